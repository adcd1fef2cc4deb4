"""The tables of a run's `run.sqlite`, for its writer and its reader; the names of its files.

A step is one row; a quantity over the layers is one BLOB of float32 in it, in the order of the
table `layer`. What is measured at an interval has a table of its own, so that a reader can leap
from row to row by the primary key.
"""

# 1: without bn_beta
VERSION = 2

FILE = "run.sqlite"
CONFIG = "config.json"
LOCK = "alive.lock"
STOP = "stop"
LAST_WORDS = "last-words"
STATE = "state.safetensors"
WEIGHTS = "model.safetensors"

# quantity -> the group of layers it is measured on
WEIGHTED = {"weight_gradient": "weighted", "weight": "weighted", "update_ratio": "weighted"}
BLOCKS = {
    "block_gradient": "block",
    "branch_gradient": "residual",
    "shortcut_gradient": "residual",
    "activation_deviation": "block",
}
# mean and standard deviation over the channels; a new kind goes to the end, where ALTER TABLE puts
# its column
BATCHNORM_KINDS = ("gamma", "mean", "variance", "beta")
BATCHNORM = {
    name: "batchnorm" for kind in BATCHNORM_KINDS for name in (f"bn_{kind}", f"bn_{kind}_deviation")
}
TABLES = {"norms": {**WEIGHTED, **BLOCKS}, "batchnorm": BATCHNORM}
QUANTITIES = {**WEIGHTED, **BLOCKS, **BATCHNORM}
TABLE_OF = {quantity: table for table, quantities in TABLES.items() for quantity in quantities}
GROUPS = ("weighted", "block", "residual", "batchnorm")

# what a recorder can be asked to record
PRESETS: dict[str, tuple[str, ...]] = {
    "off": (),
    "light": ("weight_gradient", "weight"),
    "full": tuple(QUANTITIES),
}

# in the order of a run's life
STATUSES = ("queued", "running", "finished", "stopped", "crashed")

STEP = ("step", "epoch", "loss", "accuracy", "lr", "seconds", "at")  # at: seconds since 1970
EPOCH = ("epoch", "train_loss", "train_accuracy", "test_loss", "test_accuracy")

# quantity -> the version that first had it, where that is not 1
SINCE = {"bn_beta": 2, "bn_beta_deviation": 2}

_TABLES = """
CREATE TABLE IF NOT EXISTS kv (key TEXT PRIMARY KEY, value TEXT);\
CREATE TABLE IF NOT EXISTS layer\
 (grp TEXT, i INTEGER, name TEXT, kind TEXT, PRIMARY KEY (grp, i));\
CREATE TABLE IF NOT EXISTS step (step INTEGER PRIMARY KEY, epoch INTEGER,\
 loss REAL, accuracy REAL, lr REAL, seconds REAL, at REAL);\
CREATE TABLE IF NOT EXISTS epoch (epoch INTEGER PRIMARY KEY,\
 train_loss REAL, train_accuracy REAL, test_loss REAL, test_accuracy REAL);
"""


def statements(version: int = VERSION) -> str:
    """The SQL that makes the tables of a version where they are not there yet."""
    return _TABLES + "".join(_blob_table(table, version) for table in TABLES)


def _blob_table(table: str, version: int) -> str:
    columns = [f"{name} BLOB" for name in TABLES[table] if SINCE.get(name, 1) <= version]
    return f"CREATE TABLE IF NOT EXISTS {table} (step INTEGER PRIMARY KEY, {', '.join(columns)});"
