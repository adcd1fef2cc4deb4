"""The tables of a run's `run.sqlite`, shared by who writes them and who reads them.

A step is one row; a quantity over the layers is one BLOB of float32 in it, in the order of `layer`.
What is measured at an interval has a table of its own, so that a reader can leap from row to row by
the primary key.
"""

VERSION = 2  # 1: without bn_beta
FILE, CONFIG, LOCK, STOP, STATE, WEIGHTS = (
    "run.sqlite",
    "config.json",
    "alive.lock",
    "stop",
    "state.safetensors",
    "model.safetensors",
)

# quantity -> the group of layers it is measured on
WEIGHTED = {"weight_gradient": "weighted", "weight": "weighted", "update_ratio": "weighted"}
BLOCKS = {
    "block_gradient": "block",
    "branch_gradient": "residual",
    "shortcut_gradient": "residual",
    "activation_deviation": "block",
}
BATCHNORM = {
    name: "batchnorm"
    for kind in (
        "gamma",
        "mean",
        "variance",
        "beta",
    )  # a new one goes to the end, where ALTER TABLE puts its column
    for name in (
        f"bn_{kind}",
        f"bn_{kind}_deviation",
    )  # mean and standard deviation over the channels
}
TABLES = {"norms": {**WEIGHTED, **BLOCKS}, "batchnorm": BATCHNORM}
QUANTITIES = {**WEIGHTED, **BLOCKS, **BATCHNORM}
TABLE_OF = {quantity: table for table, quantities in TABLES.items() for quantity in quantities}

STEP = ("step", "epoch", "loss", "accuracy", "lr", "seconds", "at")  # at: seconds since 1970
EPOCH = ("epoch", "train_loss", "train_accuracy", "test_loss", "test_accuracy")


SINCE = {
    "bn_beta": 2,
    "bn_beta_deviation": 2,
}  # quantity -> the version that first had it, where that is not 1


def statements(version: int = VERSION) -> str:
    """The SQL that makes the tables of a version where they are not there yet."""
    blobs = "".join(
        f"CREATE TABLE IF NOT EXISTS {table} (step INTEGER PRIMARY KEY,"
        f" {', '.join(f'{q} BLOB' for q in quantities if SINCE.get(q, 1) <= version)});"
        for table, quantities in TABLES.items()
    )
    return (
        "CREATE TABLE IF NOT EXISTS kv (key TEXT PRIMARY KEY, value TEXT);"
        "CREATE TABLE IF NOT EXISTS layer (grp TEXT, i INTEGER, name TEXT, kind TEXT, PRIMARY KEY (grp, i));"
        "CREATE TABLE IF NOT EXISTS step (step INTEGER PRIMARY KEY, epoch INTEGER,"
        " loss REAL, accuracy REAL, lr REAL, seconds REAL, at REAL);"
        "CREATE TABLE IF NOT EXISTS epoch (epoch INTEGER PRIMARY KEY,"
        " train_loss REAL, train_accuracy REAL, test_loss REAL, test_accuracy REAL);" + blobs
    )
