"""The media host: what it serves by default, and each of its failures."""

import asyncio
import gzip
import re
from io import BytesIO

import httpx
import pytest
from PIL import Image

from harness.fakes import media
from harness.fakes.pictures import PictureSpec
from harness.fakes.script import MediaScript
from harness.fakes.watermark import Watermark, read_mark

pytestmark = pytest.mark.asyncio

SOUND = MediaScript()
BASE_URL = "http://media.test/files"
SPEC = PictureSpec(640, 360, Watermark("picture", 7, 640, 360, part=2))


def open_host(script: MediaScript = SOUND, agent: str = "Mozilla/5.0") -> tuple[media.MediaHost, httpx.AsyncClient]:
    host = media.create_app(script, base_url=BASE_URL)
    transport = httpx.ASGITransport(host.app, root_path="/files")
    return host, httpx.AsyncClient(transport=transport, headers={"User-Agent": agent})


def publish(host: media.MediaHost) -> str:
    return host.publish("png", picture=SPEC, audio_seconds=None)


async def test_a_picture_is_served_as_it_was_published() -> None:
    host, client = open_host()
    url = publish(host)
    answer = await client.get(url)

    assert url.startswith(BASE_URL)
    assert re.fullmatch(r"/p/[0-9a-f]{16}\.png", url.removeprefix(BASE_URL)), "no address carries a size"
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    image = Image.open(BytesIO(answer.content))
    assert image.size == (640, 360)
    assert read_mark(image) == SPEC.mark


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("http://tempfile.aiquickdraw.com", "http://cdn1.suno.ai/p/"),
        ("http://127.0.0.1:8003/media", "http://127.0.0.1:8003/media/p/"),
    ],
)
async def test_a_file_is_on_the_requested_public_host_unless_none_is_served(base_url: str, url: str) -> None:
    host = media.create_app(SOUND, base_url=base_url)

    assert host.publish("png", picture=SPEC, audio_seconds=None, host="cdn1.suno.ai").startswith(url)
    assert host.publish("png", picture=SPEC, audio_seconds=None).startswith(base_url)


async def test_a_host_that_forgets_has_its_newest_files() -> None:
    host = media.create_app(SOUND, base_url=BASE_URL, files_kept=2)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(host.app, root_path="/files"))
    urls = [publish(host) for _ in range(4)]
    assert [(await client.head(url, headers={"User-Agent": "Mozilla/5.0"})).status_code for url in urls] == [
        404,
        404,
        200,
        200,
    ]


async def test_audio_is_served_as_it_was_published() -> None:
    host, client = open_host()
    answer = await client.get(host.publish("mp3", picture=None, audio_seconds=2.4))

    assert answer.headers["content-type"] == "audio/mpeg"
    assert len(answer.content) == 101 * 96, "2.4 s are 100 frames of 96 bytes, and one counts them"


async def test_publishing_does_not_make_the_file_yet() -> None:
    host, client = open_host()
    url = host.publish("png", picture=PictureSpec(640, 360, SPEC.mark, flaw="no such flaw"), audio_seconds=None)

    with pytest.raises(ValueError, match="flaw"):
        await client.get(url)


async def test_the_same_seed_gives_the_same_urls() -> None:
    one, other = open_host()[0], open_host()[0]

    assert [publish(one), publish(one)] == [publish(other), publish(other)]
    assert publish(one) != publish(one)


async def test_a_file_that_was_never_published_is_not_found() -> None:
    host, client = open_host()
    publish(host)

    assert (await client.get(BASE_URL + "/p/0000.png")).status_code == 404
    assert (await client.get(BASE_URL + "/")).status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_files_can_only_be_read(method: str) -> None:
    host, client = open_host()

    assert (await client.request(method, publish(host))).status_code == 405


async def test_head_reports_what_get_delivers() -> None:
    host, client = open_host()
    url = publish(host)
    told, delivered = await client.head(url), await client.get(url)

    assert told.content == b""
    for name in ("content-length", "content-type"):
        assert told.headers[name] == delivered.headers[name]


async def test_head_can_differ_from_get() -> None:
    host, client = open_host(MediaScript(head_differs=True))
    url = publish(host)
    told, delivered = await client.head(url), await client.get(url)

    assert told.status_code == 200
    for name in ("content-length", "content-type"):
        assert told.headers[name] != delivered.headers[name]


@pytest.mark.parametrize("status", [403, 405])
async def test_head_can_be_refused_while_get_is_not(status: int) -> None:
    host, client = open_host(MediaScript(head_status=status))
    url = publish(host)
    assert (await client.head(url)).status_code == status
    assert (await client.get(url)).status_code == 200


async def test_a_file_can_come_without_its_length() -> None:
    host, client = open_host(MediaScript(without_length=True))
    answer = await client.get(publish(host))
    assert "content-length" not in answer.headers
    assert Image.open(BytesIO(answer.content)).size == (640, 360)


@pytest.mark.parametrize("redirects", [0, 2])
async def test_a_signed_url_needs_its_whole_query(redirects: int) -> None:
    host, client = open_host(MediaScript(signed=True, redirects=redirects))
    url = publish(host)
    bare, _, query = url.partition("?")
    assert query
    for wrong in (bare, url[:-1], f"{url}&more=1"):
        assert (await client.get(wrong, follow_redirects=True)).status_code == 403
    assert (await client.get(url, follow_redirects=True)).status_code == 200
    lent = host.lend(url, 60.0)
    assert lent is not None
    assert (await client.get(lent, follow_redirects=True)).status_code == 200
    assert host.lend(bare, 60.0) is None


@pytest.mark.parametrize(
    ("wanted", "begin", "end"), [("bytes=0-99", 0, 100), ("bytes=100-", 100, None), ("bytes=-50", -50, None)]
)
async def test_a_range_is_honoured(wanted: str, begin: int, end: int | None) -> None:
    host, client = open_host()
    url = publish(host)
    whole = (await client.get(url)).content
    answer = await client.get(url, headers={"Range": wanted})

    assert answer.status_code == 206
    assert answer.content == whole[begin:end]
    first = begin % len(whole)
    assert answer.headers["content-range"] == f"bytes {first}-{first + len(answer.content) - 1}/{len(whole)}"


async def test_a_range_after_the_end_cannot_be_satisfied() -> None:
    host, client = open_host()

    assert (await client.get(publish(host), headers={"Range": "bytes=99999999-"})).status_code == 416


async def test_a_range_can_be_ignored() -> None:
    host, client = open_host(MediaScript(ignores_range=True))
    url = publish(host)
    answer = await client.get(url, headers={"Range": "bytes=0-99"})

    assert answer.status_code == 200
    assert answer.content == (await client.get(url)).content


async def test_a_new_file_can_be_missing_for_a_while() -> None:
    host, client = open_host(MediaScript(missing_for_s=0.05))
    url = publish(host)
    at_first = (await client.get(url)).status_code
    await asyncio.sleep(0.06)

    assert (at_first, (await client.get(url)).status_code) == (404, 200)


async def test_a_file_expires() -> None:
    host, client = open_host(MediaScript(expires_after_s=0.05))
    url = publish(host)
    at_first = (await client.get(url)).status_code
    await asyncio.sleep(0.06)

    assert (at_first, (await client.get(url)).status_code) == (200, 404)


async def test_a_file_can_become_a_smaller_one_of_the_same_task() -> None:
    host, client = open_host(MediaScript(changes_after_s=0.0))
    image = Image.open(BytesIO((await client.get(publish(host))).content))

    assert image.size == (360, 360)
    assert read_mark(image) == Watermark("picture", 7, 360, 360, part=2)


@pytest.mark.parametrize(
    "agent",
    [
        "python-httpx/0.28.1",
        "python-requests/2.34",
        "Python-urllib/3.11",
        "curl/8.5.0",
        "node",
        "Python/3.11 aiohttp/3.14",
        "",
    ],
)
async def test_library_user_agents_can_be_refused(agent: str) -> None:
    host, client = open_host(MediaScript(refuses_library_agents=True), agent)

    assert (await client.get(publish(host))).status_code == 403


@pytest.mark.parametrize("agent", ["Mozilla/5.0 (X11; Linux x86_64)", "my-application/1.0"])
async def test_other_user_agents_are_served_while_libraries_are_refused(agent: str) -> None:
    host, client = open_host(MediaScript(refuses_library_agents=True), agent)

    assert (await client.get(publish(host))).status_code == 200


@pytest.mark.parametrize(
    ("referer", "status"), [("http://app.test/", 403), ("http://media.test/", 200), ("", 200), (None, 200)]
)
async def test_a_file_can_be_refused_to_other_sites_pages(referer: str | None, status: int) -> None:
    host, client = open_host(MediaScript(refuses_hotlinks=True))
    headers = {} if referer is None else {"Referer": referer}

    assert (await client.get(publish(host), headers=headers)).status_code == status


async def test_a_file_can_be_behind_redirects() -> None:
    host, client = open_host(MediaScript(redirects=3))
    answer = await client.get(publish(host), follow_redirects=True)

    assert [hop.status_code for hop in answer.history] == [302, 302, 302]
    assert Image.open(BytesIO(answer.content)).size == (640, 360)


async def test_redirects_can_loop_for_ever() -> None:
    host, client = open_host(MediaScript(redirects=-1))

    with pytest.raises(httpx.TooManyRedirects):
        await client.get(publish(host), follow_redirects=True)


async def test_every_file_can_be_empty() -> None:
    host, client = open_host(MediaScript(empty=True))
    answer = await client.get(publish(host))

    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, b"", "image/png")


async def test_an_error_status_can_carry_the_right_picture() -> None:
    host, client = open_host(MediaScript(status_with_image=500))
    answer = await client.get(publish(host))

    assert answer.status_code == 500
    assert Image.open(BytesIO(answer.content)).size == (640, 360)


async def test_a_lent_link_serves_the_same_file_for_its_own_time() -> None:
    host, client = open_host()
    url = publish(host)
    lent = host.lend(url, 0.05)
    assert lent is not None
    assert lent != url
    first = await client.get(lent)
    await asyncio.sleep(0.06)

    assert first.content == (await client.get(url)).content
    assert (await client.get(lent)).status_code == 404


async def test_a_file_on_any_of_the_providers_hosts_is_lent() -> None:
    host = media.create_app(SOUND, base_url="https://tempfile.aiquickdraw.com")
    cover = host.publish("jpeg", picture=SPEC, audio_seconds=None, host="musicfile.kie.ai")

    assert cover.startswith("https://musicfile.kie.ai/")
    assert host.lend(cover, 60.0) is not None


@pytest.mark.parametrize("url", ["http://elsewhere.test/p/1.png", BASE_URL + "/p/unknown.png", ""])
async def test_only_its_own_files_are_lent(url: str) -> None:
    assert open_host()[0].lend(url, 60.0) is None


async def test_a_stream_ends_as_an_empty_success_and_its_file_lives_on() -> None:
    host, client = open_host(MediaScript(streams_last_s=0.05))
    stream = host.publish("mp3", picture=None, audio_seconds=1.0, is_stream=True)
    file = host.publish("mp3", picture=None, audio_seconds=1.0)
    assert (await client.get(stream)).content == (await client.get(file)).content
    await asyncio.sleep(0.06)
    ended = await client.get(stream)

    assert (ended.status_code, ended.content, ended.headers["content-type"]) == (200, b"", "audio/mpeg")
    assert len((await client.get(file)).content) > 1000
    assert MediaScript().streams_last_s == 3 * 3600.0


async def test_a_signature_can_expire() -> None:
    host, client = open_host(MediaScript(signed_for_s=0.05))
    url = publish(host)
    assert "?Signature=" in url
    assert (await client.get(url)).status_code == 200
    assert (await client.get(url.partition("?")[0])).status_code == 403
    await asyncio.sleep(0.06)

    assert (await client.get(url)).status_code == 403


@pytest.mark.parametrize("status", [403, 405])
async def test_head_can_be_refused_while_get_works(status: int) -> None:
    host, client = open_host(MediaScript(head_status=status))
    url = publish(host)

    assert (await client.head(url)).status_code == status
    assert (await client.get(url)).status_code == 200


async def test_a_file_can_be_compressed_for_clients_that_accept_it() -> None:
    host, client = open_host(MediaScript(gzip=True))
    url = publish(host)
    plain = await client.get(url, headers={"accept-encoding": "identity"})
    async with client.stream("GET", url) as packed:
        raw = b"".join([part async for part in packed.aiter_raw()])

    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) == len(raw)
    assert gzip.decompress(raw) == plain.content


async def test_every_file_can_have_the_same_type() -> None:
    host, client = open_host(MediaScript(content_type="application/octet-stream"))
    answer = await client.get(publish(host))

    assert answer.headers["content-type"] == "application/octet-stream"
    assert Image.open(BytesIO(answer.content)).size == (640, 360)


async def test_a_file_can_have_an_etag_that_saves_its_body() -> None:
    host, client = open_host(MediaScript(etag=True))
    url = publish(host)
    tag = (await client.get(url)).headers["etag"]
    known = await client.get(url, headers={"if-none-match": tag})
    other = await client.get(url, headers={"if-none-match": '"another"'})

    assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", tag)
    assert other.status_code == 200
    assert "etag" not in (await open_host()[1].get(url)).headers


async def test_a_range_request_can_get_another_range() -> None:
    host, client = open_host(MediaScript(wrong_range=True))
    url = publish(host)
    whole = await client.get(url)
    part = await client.get(url, headers={"range": "bytes=0-99"})
    half = len(whole.content) // 2

    assert (part.status_code, part.content) == (206, whole.content[half:])
    assert part.headers["content-range"] == f"bytes {half}-{len(whole.content) - 1}/{len(whole.content)}"
