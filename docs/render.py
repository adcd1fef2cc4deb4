"""Take the pictures of `docs/features/` from the running app: `python -m docs.render [NAME ...]`.

They are views of the app and not drawings of it, so they show what a reader will see. Two small
runs on the bundled digits are trained first, for what is recorded during a training.
"""

import io
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.browser import chromium
from tests.browser.conftest import FLAGS, Server

IMAGES = Path(__file__).parent / "features" / "images"
WIDTH, HIGHEST = 1280, 2400  # pixels of the window
SCALE = 0.7  # of the picture
RUNS = ("new/plain-20", "new/residual-20")

CIFAR = "model=bundled/resnet20-cifar10"
VIEWS = {  # name of the picture -> address; {runs} are the two that were trained
    "overview": "?sample=dog",
    "feature_maps": "feature_maps?sample=dog&layer=layer2.1",
    "attribution": "attribution?sample=dog",
    "receptive_field-scene": "receptive_field?sample=church&layer=layer3.0",
    "receptive_field-arithmetic": "receptive_field?sample=church&layer=layer3.0&more=arithmetic",
    "receptive_field-fit": "receptive_field?sample=church&layer=layer3.0&more=fit",
    "receptive_field-stack": "receptive_field?sample=church&more=stack",
    "gradient_flow-profile": "gradient_flow?families=plain,residual&depth=56&seeds=1",
    "gradient_flow-training": "gradient_flow?part=training",
    "gradient_flow-shares": "gradient_flow?part=shares",
    "gradient_flow-lesions": "gradient_flow?part=lesions",
    "gradient_flow-shattered": "gradient_flow?part=shattered",
    "batchnorm-drift": f"batchnorm?{CIFAR}",
    "batchnorm-answers": f"batchnorm?{CIFAR}&aspect=answers",
    "batchnorm-size": f"batchnorm?{CIFAR}&aspect=size",
    "batchnorm-fold": f"batchnorm?{CIFAR}&aspect=fold",
    "batchnorm-hand": "batchnorm?aspect=hand&step=4",
    "batchnorm-training": "batchnorm?aspect=training",
    "batchnorm-mismatch": "batchnorm?aspect=mismatch",
    "training": "training?runs={runs}",
}


def train() -> list[str]:
    """The two runs, at once and in this process; returns their names."""
    from resviz.training.config import TrainConfig
    from resviz.training.launch.start import start_run

    config = TrainConfig(epochs=6, batch_size=64, lr=0.1, side=8, augmentation="none")
    names = []
    for model in RUNS:
        run, events = start_run(model, "digits", config, threads=1, record="full")
        for _ in events:
            pass
        names.append(run.folder.name)
    return names


@contextmanager
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=FLAGS)
        yield browser.new_page(viewport={"width": WIDTH, "height": 900}, locale="en-US")
        browser.close()


def picture(page: Page, url: str) -> Image.Image:
    """The page without its sidebar, once nothing on it changes any more."""
    page.set_viewport_size({"width": WIDTH, "height": 900})
    page.goto(url)
    for _ in range(2):  # the first run of a page may ask for a second one
        page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
        page.wait_for_timeout(1500)
    main = page.locator("[data-testid=stMain]")
    height = main.evaluate("element => element.scrollHeight")
    page.set_viewport_size({"width": WIDTH, "height": min(height, HIGHEST)})
    page.wait_for_timeout(1500)
    png = page.locator("[data-testid=stMainBlockContainer]").screenshot(animations="disabled")
    image = Image.open(io.BytesIO(png)).convert("RGB")
    size = (round(image.width * SCALE), round(min(image.height, HIGHEST) * SCALE))
    return image.crop((0, 0, image.width, min(image.height, HIGHEST))).resize(
        size, Image.Resampling.LANCZOS
    )


def main(names: list[str]) -> None:
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        os.environ["RESVIZ_HOME"] = home
        runs = ",".join(train())
        server = Server(Path(home), Path(home))
        server.start()
        try:
            with page() as window:
                window.set_default_timeout(120_000)
                for name in names or VIEWS:
                    address = VIEWS[name].format(runs=quote(runs, safe=","))
                    picture(window, f"{server.url}/{address}").save(
                        IMAGES / f"{name}.webp", quality=72, method=6
                    )
                    print(name, (IMAGES / f"{name}.webp").stat().st_size // 1024, "KiB")
        finally:
            server.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
