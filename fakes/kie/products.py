"""What can be ordered at Kie.ai: each product's endpoints, the fields of its request, and what they mean.

A job of any model, the picture in the response that applications assume, and two picture models with endpoints of their
own. A product is a row of a table here; how its records and callbacks look is in `harness.fakes.kie.records`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from harness.fakes.account import Endpoint
from harness.fakes.events import ContractProblem, Purpose
from harness.fakes.kie import contract, models
from harness.fakes.kie.sizes import named_shape, pixels
from harness.fakes.kie.uploads import UPLOADS
from harness.fakes.paths import GENERATE_4O_IMAGE, GENERATE_IMAGE, GENERATE_KONTEXT
from harness.fakes.script import Image
from harness.fakes.validation import Field, Form, problem

Body = dict[str, Any]
Models = tuple[str, ...]
"""The accepted models; () accepts all in the contract."""
ProductName = Literal["picture", "job", "gpt4o-image", "flux-kontext"]
Mode = Literal["synchronous", "callback", "jobs"]
INVALID_CODE = 422
SIZES_4O = {"1:1": (1024, 1024), "3:2": (1536, 1024), "2:3": (1024, 1536)}
"""OpenAI's documented sizes of these ratios."""
RATIOS_KONTEXT = ("21:9", "16:9", "4:3", "1:1", "3:4", "9:16")
MODELS_KONTEXT = ("flux-kontext-pro", "flux-kontext-max")
_4O = "docs.kie.ai, 4o-image-api, documented"
_KONTEXT = "docs.kie.ai, flux-kontext-api, documented"


@dataclass(frozen=True, slots=True)
class Product:
    """Something to order: an endpoint that creates its tasks, and one that reports on them."""

    name: ProductName
    endpoint: str
    record_info: str
    unknown_task: str
    """The message for an unknown task."""
    problems: Callable[[Body, Models], list[ContractProblem]]
    """Returns the rules that a request breaks."""
    misspelt: Callable[[Body, Models], list[ContractProblem]]
    """Returns the misspelt optional fields of a valid request."""
    size: Callable[[Body, str], tuple[int, int]]
    """Returns the requested width and height in pixels of a valid request, by the "kie" or "bytedance" table."""
    count: Callable[[Body], int] = lambda body: 1
    """Returns how many pictures a valid request orders."""
    purpose: Callable[[Body], Purpose] = lambda body: "image"
    refusal: Callable[[list[ContractProblem]], tuple[int, str]] = lambda problems: (
        INVALID_CODE,
        f"{problems[0]['field']}: {problems[0]['rule']}",
    )
    """Returns body code and message for a request with these problems."""


FORM_4O = Form(
    (
        Field("size", "text", _4O, required=True, choices=tuple(SIZES_4O)),
        Field("prompt", "text", _4O),
        Field("filesUrl", "urls", _4O),
        Field("maskUrl", "url", _4O),
        Field("nVariants", "whole", _4O, low=1, high=4),
        Field("isEnhance", "flag", _4O),
        Field("uploadCn", "flag", _4O),
        Field("enableFallback", "flag", _4O),
        Field("fallbackModel", "text", _4O),
        Field("callBackUrl", "url", _4O, empty_is_absent=True),
    )
)
FORM_KONTEXT = Form(
    (
        Field("prompt", "text", _KONTEXT, required=True),
        Field("inputImage", "url", _KONTEXT, empty_is_absent=True),
        Field("model", "text", _KONTEXT, choices=MODELS_KONTEXT),
        Field("aspectRatio", "text", _KONTEXT, choices=RATIOS_KONTEXT),
        Field("outputFormat", "text", _KONTEXT, choices=("jpeg", "png")),
        Field("enableTranslation", "flag", _KONTEXT),
        Field("uploadCn", "flag", _KONTEXT),
        Field("promptUpsampling", "flag", _KONTEXT),
        Field("safetyTolerance", "whole", _KONTEXT, low=0, high=6),
        Field("callBackUrl", "url", _KONTEXT, empty_is_absent=True),
    )
)
DOWNLOAD_4O = Form((Field("taskId", "text", _4O, required=True), Field("url", "url", _4O, required=True)))


def _problems_of_4o(body: Body) -> list[ContractProblem]:
    """Return the rules that a request breaks: there must be something to paint, too."""
    problems = FORM_4O.problems(body)
    if not body.get("prompt") and not body.get("filesUrl"):
        problems.append(problem("prompt", None, "required unless there is a filesUrl", _4O))
    return problems


def _size_of_kontext(body: Body, table: str) -> tuple[int, int]:
    """Return the 1K size of the ratio, by Kie.ai's rule for other models [inferred]."""
    return pixels(named_shape(body.get("aspectRatio") or "16:9"), "1K", "kie", "4")


PICTURE = Product(
    name="picture",
    endpoint=GENERATE_IMAGE,
    record_info=contract.RECORD_INFO,
    unknown_task=contract.NULL_RECORD,
    problems=lambda body, known: contract.synchronous_form(known).problems(body),
    misspelt=lambda body, known: contract.synchronous_form(known).misspelt(body),
    size=lambda body, table: contract.synchronous_size(body),
)
JOB = Product(
    name="job",
    endpoint=contract.CREATE_TASK,
    record_info=contract.RECORD_INFO,
    unknown_task=contract.NULL_RECORD,
    problems=contract.job_problems,
    misspelt=contract.job_misspelt,
    size=models.job_size,
    count=models.job_count,
    purpose=lambda body: models.purpose_of(body["model"]),
    refusal=contract.job_refusal,
)
GPT_4O = Product(
    name="gpt4o-image",
    endpoint=GENERATE_4O_IMAGE,
    record_info="/api/v1/gpt4o-image/record-info",
    unknown_task="record is null",
    problems=lambda body, known: _problems_of_4o(body),
    misspelt=lambda body, known: FORM_4O.misspelt(body),
    size=lambda body, table: SIZES_4O[body["size"]],
    count=lambda body: int(body.get("nVariants") or 1),
)
KONTEXT = Product(
    name="flux-kontext",
    endpoint=GENERATE_KONTEXT,
    record_info="/api/v1/flux/kontext/record-info",
    unknown_task="record is null",
    problems=lambda body, known: FORM_KONTEXT.problems(body),
    misspelt=lambda body, known: FORM_KONTEXT.misspelt(body),
    size=_size_of_kontext,
)


def mode_of(product: Product, body: Body, image: Image) -> Mode:
    """Return how the result of a request reaches its sender."""
    if product is not PICTURE:
        return "jobs"
    return "callback" if body.get("callBackUrl") and image.answer != "picture-at-once" else "synchronous"


PRODUCTS = (PICTURE, JOB, GPT_4O, KONTEXT)
RECORD_PATHS = tuple(dict.fromkeys(product.record_info for product in PRODUCTS))
DOWNLOAD_URL_4O = "/api/v1/gpt4o-image/download-url"
DOWNLOADS = {contract.DOWNLOAD_URL: contract.DOWNLOAD, DOWNLOAD_URL_4O: DOWNLOAD_4O}
"""The fields of requests for a temporary URL of a file, by path."""
DOCUMENTED_ENDPOINTS: tuple[Endpoint, ...] = (
    *(("POST", product.endpoint) for product in PRODUCTS if product is not PICTURE),
    *(("GET", path) for path in RECORD_PATHS),
    *(("POST", path) for path in DOWNLOADS),
    *(("POST", path) for path in UPLOADS),
    ("GET", contract.MODELS),
    ("GET", contract.CREDIT),
)
ENDPOINTS: tuple[Endpoint, ...] = (("POST", PICTURE.endpoint), *DOCUMENTED_ENDPOINTS)
