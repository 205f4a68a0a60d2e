"""The main job: a maths language model from nothing, on data every machine has, scored and
reported.

`python ./src/main.py` is `corpus run starter`; what follows it goes to that command (`--budget
10m`, say).
"""

import sys

from corpus.cli.main import main

if __name__ == "__main__":
    main(["run", "starter", *sys.argv[1:]])
