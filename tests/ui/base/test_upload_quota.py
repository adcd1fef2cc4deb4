"""What one visitor uploads without end does not fill the server."""

from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from resviz.ui.base import upload_quota


def test_the_oldest_uploads_of_a_session_leave_and_other_sessions_keep_theirs() -> None:
    upload_quota.install()
    upload_quota.install()  # as each page does
    store = MemoryUploadedFileManager("/upload")
    store.add_file("other", UploadedFileRec("0", "a.png", "image/png", bytes(2**20)))
    for i in range(40):
        data = bytes(9 * 2**20)
        store.add_file("session", UploadedFileRec(str(i), "a.png", "image/png", data))
    left = store.file_storage["session"]
    total = sum(len(file.data) for file in left.values())
    assert total <= upload_quota.QUOTA < total + 9 * 2**20
    assert list(left) == [str(i) for i in range(40 - len(left), 40)], "the latest"
    assert len(store.get_files("other", ["0"])) == 1


def test_one_file_alone_is_kept_whatever_its_size() -> None:
    upload_quota.install()
    store = MemoryUploadedFileManager("/upload")
    store.add_file("s", UploadedFileRec("1", "a", "", bytes(upload_quota.QUOTA + 1)))
    assert len(store.get_files("s", ["1"])) == 1
