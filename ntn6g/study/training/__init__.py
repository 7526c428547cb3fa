"""Training: checkpoints, early stopping and a model card for whatever can be learned; knows no service.

`ntn6g.study.train` is the loop. It goes through whatever has the interface of `Learner`; `Dqn` and `Ppo` make one of
whatever has the interface of `Environment`, and `Descent` is their Adam.
"""

from ntn6g.study.training.descent import Descent
from ntn6g.study.training.dqn import Dqn
from ntn6g.study.training.learner import Arrays, Environment, Learner, Plan, Tree
from ntn6g.study.training.ppo import Ppo

__all__ = ["Arrays", "Descent", "Dqn", "Environment", "Learner", "Plan", "Ppo", "Tree"]
