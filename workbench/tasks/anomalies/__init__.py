"""Lines unlike a history of normal ones: how strange each is, where to raise an alarm, and how good the alarms are."""

from workbench.tasks.anomalies.alone import NoHistoryWarning, score_alone
from workbench.tasks.anomalies.detector import METHODS, AnomalyDetector
from workbench.tasks.anomalies.quality import Alarms, Detection, alarms, as_labels, detection_quality, fit_alarms

__all__ = [
    "METHODS",
    "Alarms",
    "AnomalyDetector",
    "Detection",
    "NoHistoryWarning",
    "alarms",
    "as_labels",
    "detection_quality",
    "fit_alarms",
    "score_alone",
]
