"""The literature that a protocol's manuscript rests on; each entry is real and carries its DOI."""

from __future__ import annotations

from core.runners.scientist.protocol.schema import Protocol
from core.runners.scientist.writing import Reference

DATA = {
    "sklearn:breast_cancer": (
        Reference(
            "street1993",
            "Street WN, Wolberg WH, Mangasarian OL. Nuclear feature extraction for breast tumor diagnosis. "
            "Proceedings of SPIE 1905, Biomedical Image Processing and Biomedical Visualization, 1993: 861-870.",
            "10.1117/12.148698",
        ),
        Reference(
            "wdbc",
            "Wolberg W, Mangasarian O, Street N, Street W. Breast Cancer Wisconsin (Diagnostic). "
            "UCI Machine Learning Repository, 1993.",
            "10.24432/C5DW2B",
        ),
    ),
    "sklearn:diabetes": (
        Reference(
            "efron2004",
            "Efron B, Hastie T, Johnstone I, Tibshirani R. Least angle regression. "
            "The Annals of Statistics 2004; 32(2): 407-499.",
            "10.1214/009053604000000067",
        ),
    ),
    "file": (),
}
ALWAYS = (
    Reference(
        "tripod",
        "Collins GS, Moons KGM, Dhiman P, et al. TRIPOD+AI statement: updated guidance for reporting clinical "
        "prediction "
        "models that use regression or machine learning methods. BMJ 2024; 385: e078378.",
        "10.1136/bmj-2023-078378",
    ),
    Reference(
        "varma2006",
        "Varma S, Simon R. Bias in error estimation when using cross-validation for model selection. "
        "BMC Bioinformatics 2006; 7: 91.",
        "10.1186/1471-2105-7-91",
    ),
    Reference(
        "efron1979",
        "Efron B. Bootstrap methods: another look at the jackknife. The Annals of Statistics 1979; 7(1): 1-26.",
        "10.1214/aos/1176344552",
    ),
    Reference(
        "calster2019",
        "Van Calster B, McLernon DJ, van Smeden M, Wynants L, Steyerberg EW. Calibration: the Achilles heel of "
        "predictive analytics. BMC Medicine 2019; 17: 230.",
        "10.1186/s12916-019-1466-7",
    ),
    Reference(
        "sklearn",
        "Pedregosa F, Varoquaux G, Gramfort A, et al. Scikit-learn: machine learning in Python. "
        "Journal of Machine Learning Research 2011; 12: 2825-2830.",
    ),
)
BINARY = (
    Reference(
        "wilson1927",
        "Wilson EB. Probable inference, the law of succession, and statistical inference. "
        "Journal of the American Statistical Association 1927; 22(158): 209-212.",
        "10.1080/01621459.1927.10502953",
    ),
    Reference(
        "vickers2006",
        "Vickers AJ, Elkin EB. Decision curve analysis: a novel method for evaluating prediction models. "
        "Medical Decision Making 2006; 26(6): 565-574.",
        "10.1177/0272989X06295361",
    ),
)


def references(protocol: Protocol) -> tuple[Reference, ...]:
    """The references in the order of their first use: the data, the reporting guideline, the methods."""
    return (*DATA[protocol.card.source], *ALWAYS, *(BINARY if protocol.binary else ()))
