// Completes the address of the page with what is chosen, in place: Streamlit itself would add a step to the history.
export default function ({ data }) {
  const { page, query } = data;
  if (query === null) return;
  const here = window.location.pathname.split("/").pop();
  if (here !== page || window.location.search === (query && `?${query}`)) return; // the visitor is elsewhere, or all is said
  window.history.replaceState(window.history.state, "", window.location.pathname + (query && `?${query}`) + window.location.hash);
}
