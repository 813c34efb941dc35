"""What the services of an imagined shop write into their log: normal messages, and what goes wrong."""

import random
import re
from dataclasses import dataclass

__all__ = ["BURSTS", "FLOW", "FOREIGN", "NEW", "NORMAL", "RARE_MESSAGES", "WRONG_VALUES", "Template", "fill"]


@dataclass(frozen=True)
class Template:
    """One kind of message.

    ``pattern`` has fields in braces, ``{ip}`` or with a range ``{int:1-40}``, that :func:`fill` fills. ``weight`` is
    how often it comes beside the others; ``later`` is how a new release words it, where it does.
    """

    name: str
    service: str
    level: str
    pattern: str
    weight: float = 1.0
    later: str = ""


_FIELD = re.compile(r"\{(\w+)(?::(-?[\d.]+)-([\d.]+))?\}")


def _split(words: str, at: str = " ") -> tuple[str, ...]:
    return tuple(words.split(at))


_WORDS: dict[str, tuple[str, ...]] = {
    "adjective": _split(
        "red blue green black white wooden steel small large folding waterproof wireless cotton leather vintage "
        "outdoor quiet heavy soft cheap organic foldable striped thermal"
    ),
    "thing": _split(
        "kettle tent lamp chair jacket backpack keyboard mug blanket bicycle helmet rug drill pan towel shelf radio "
        "camera boots scarf desk mirror ladder toaster notebook umbrella pillow clock knife speaker"
    ),
    "job": _split(
        "invoice-export stock-sync price-import newsletter thumbnail-render cart-cleanup report-daily geo-refresh "
        "session-sweep sitemap-build"
    ),
    "city": _split("Lyon Porto Gdansk Bergen Graz Turin Ghent Malmo Cork Basel Brno Tampere"),
    "agent": _split("Firefox Chrome Safari Edge okhttp curl Googlebot"),
    "method": _split("GET GET GET GET POST POST PUT DELETE"),
    "carrier": _split("DHL UPS GLS PostNord Chronopost"),
    "table": _split("orders order_items customers stock prices sessions reviews"),
    "page": _split("/cart /checkout /product/{int:100-99999} /search /account/orders /reviews/{int:1-9999} /help"),
    "key": _split("product:{int:100-99999} cart:{hex} price:{int:100-99999} session:{hex}"),
    "queue": _split("orders mails exports thumbnails webhooks"),
    "reason": _split("wrong password|unknown account|expired link|code already used", "|"),
    "host": ("node-{int:1-9}",),
    "card": _split("visa mastercard amex sepa paypal"),
    "mail": _split("order confirmation|password reset|parcel on its way|invoice|we miss you", "|"),
}


def fill(pattern: str, draw: random.Random, **given: str) -> str:
    """The message of a pattern: a drawn value for each field, or the ``given`` one."""

    def value(match: "re.Match[str]") -> str:
        name, low, high = match.groups()
        return given[name] if name in given else _drawn(name, low, high, draw)

    return _FIELD.sub(value, pattern)


def _drawn(name: str, low: str | None, high: str | None, draw: random.Random) -> str:
    if name == "int":
        return str(draw.randint(int(low or 0), int(high or 9)))
    if name == "ms":  # most are short, some are long
        bottom, top = float(low or 1), float(high or 100)
        return f"{bottom + (top - bottom) * draw.random() ** 3:.0f}"
    if name == "money":
        return f"{draw.uniform(float(low or 1), float(high or 400)):.2f}"
    if name == "ip":
        return f"10.{draw.randint(0, 40)}.{draw.randint(0, 255)}.{draw.randint(1, 254)}"
    if name == "hex":
        return f"{draw.getrandbits(48):012x}"
    if name == "uuid":
        bits = f"{draw.getrandbits(128):032x}"
        return f"{bits[:8]}-{bits[8:12]}-4{bits[13:16]}-a{bits[17:20]}-{bits[20:]}"
    if name == "user":
        return f"u{draw.randint(1000, 9999)}"
    if name == "file":
        return f"/var/data/{draw.choice(_WORDS['job'])}/{draw.randint(2024, 2026)}/{draw.randint(1, 12):02}.csv"
    return fill(draw.choice(_WORDS[name]), draw)


NORMAL = (
    Template("request", "web", "INFO", "{method} {page} 200 in {ms:3-240} ms for {ip} ({agent})", 16,
             "request {method} {page} served with status 200, {ms:3-240} ms, client {ip}, agent {agent}"),
    Template("not_found", "web", "WARN", "{method} {page} 404 in {ms:2-40} ms for {ip} ({agent})", 1.5),
    Template("search", "search", "INFO", 'query "{adjective} {thing}" gave {int:0-480} products in {ms:8-190} ms', 12),
    Template("no_results", "search", "INFO", 'query "{adjective} {adjective} {thing}" gave nothing, '
             "showing popular products instead", 1.2),
    Template("suggest", "search", "DEBUG", 'suggested "{adjective} {thing}" after {int:2-7} letters', 4),
    Template("login", "auth", "INFO", "user {user} signed in from {ip} with {agent}", 6),
    Template("login_failed", "auth", "WARN", "sign-in of {user} from {ip} refused: {reason}", 1.6),
    Template("token", "auth", "DEBUG", "token {uuid} renewed for {user}, good for {int:10-60} minutes", 5),
    Template("cache_hit", "cache", "DEBUG", "hit {key} after {ms:1-9} ms", 9,
             "lookup of {key} answered from memory in {ms:1-9} ms"),
    Template("cache_miss", "cache", "DEBUG", "miss {key}, read from the database in {ms:4-90} ms", 4),
    Template("evicted", "cache", "INFO", "evicted {int:20-900} entries, {int:52-88} % of memory in use", 1.4),
    Template("slow_query", "database", "WARN", "slow query on {table}: {ms:400-2400} ms, {int:1-90000} rows", 0.9),
    Template("checkpoint", "database", "INFO", "checkpoint complete: wrote {int:80-4000} buffers in {ms:90-900} ms",
             1.6),
    Template("pool", "database", "DEBUG", "connection pool: {int:2-38} of 40 in use, {int:0-3} waiting", 3),
    Template("job_done", "worker", "INFO", "job {job} {uuid} finished in {ms:200-9000} ms", 3.5),
    Template("job_retry", "worker", "WARN", "job {job} {uuid} failed, try {int:2-4} of 5 in {int:5-60} s", 0.7),
    Template("export", "worker", "INFO", "wrote {int:40-9000} rows to {file}", 1.2),
    Template("mail", "mail", "INFO", 'mail "{mail}" to customer {int:1000-99999} accepted by the relay', 3),
    Template("bounce", "mail", "WARN", 'mail "{mail}" to customer {int:1000-99999} bounced: mailbox full', 0.5),
    Template("queue", "worker", "DEBUG", "queue {queue}: {int:0-140} waiting, oldest {int:0-90} s", 3),
    Template("heartbeat", "gateway", "DEBUG", "heartbeat of {host}: load 0.{int:10-95}, {int:31-79} % of disk used",
             5),
    Template("scaled", "gateway", "INFO", "scaled {queue} workers from {int:2-5} to {int:3-9} on {host}", 0.4),
    Template("thumbnail", "worker", "ERROR", "thumbnail of product {int:100-99999} skipped: image cannot be read", 0.6),
    Template("hung_up", "web", "ERROR", "client {ip} hung up before the answer, {ms:900-9000} ms", 0.9),
    Template("backup", "database", "INFO", "backup of {table} to {file} complete, checksum {hex}", 0.25),
    Template("cert", "gateway", "INFO", "certificate of {host} is good for {int:20-89} more days", 0.2),
)  # fmt: skip

FLOW = (
    Template("order_created", "orders", "INFO", "order {order} created: {int:1-9} items, {money:8-400} EUR, to {city}"),
    Template("order_paid", "payment", "INFO", "payment of order {order} captured by {card} in {ms:120-900} ms"),
    Template("order_packed", "orders", "INFO", "order {order} packed at {city} by {user}"),
    Template("order_shipped", "orders", "INFO", "order {order} handed to {carrier}, parcel {hex}"),
)

NEW = (
    Template("recommended", "recommend", "INFO",
             "recommended {int:4-12} products beside the {adjective} {thing} for {user} in {ms:5-80} ms", 5),
    Template("flag", "gateway", "DEBUG", "feature flag new-checkout is on for {user} (bucket {int:0-99})", 4),
)  # fmt: skip

# A failure that repeats by the dozen, each line as the one before but for a number or two.
BURSTS = (
    Template("pool_exhausted", "database", "ERROR",
             "no connection free after {int:5000-5099} ms, 40 of 40 in use, request dropped"),
    Template("gateway_timeout", "web", "ERROR", "POST /checkout 504, upstream payment did not answer in 30000 ms"),
    Template("disk_full", "worker", "ERROR", "cannot write /var/data/thumbnails: no space left on device"),
    Template("consumer_lag", "worker", "WARN", "consumer of orders restarts, offset {int:880000-880999} not committed"),
    Template("auth_flood", "auth", "WARN", "too many attempts for account admin from 203.0.113.{int:7-9}, delayed 2 s"),
    Template("shard_down", "search", "ERROR", "shard 3 of 8 does not answer, results are partial"),
)  # fmt: skip

# Never said while all is well, and a few times at most when it is not.
RARE_MESSAGES = tuple(
    Template("rare", service, level, pattern)
    for service, level, pattern in (
        ("database", "ERROR", "page {int:1000-99999} of index orders_pkey: checksum does not match its contents"),
        ("database", "WARN", "transaction id wraparound in {int:2-9} million transactions, vacuum needed"),
        ("gateway", "ERROR", "certificate chain of payment partner not trusted: issuer unknown"),
        ("gateway", "WARN", "clock of {host} is {int:40-300} s behind its time server"),
        ("auth", "ERROR", "signing key {hex} was changed on disk while in use"),
        ("auth", "WARN", "role of {user} raised to administrator by {user} outside office hours"),
        ("worker", "ERROR", "killed by the kernel: out of memory at {int:7000-7990} MB"),
        ("worker", "INFO", "shell session opened on {host} by an unknown operator"),
        ("web", "ERROR", "template checkout.html: unexpected end of file at line {int:40-300}"),
        ("web", "WARN", "robots of one network fetched every product image within {int:2-9} minutes"),
        ("search", "ERROR", "dictionary for stemming could not be opened, falling back to exact words"),
        ("search", "INFO", "index rebuilt from scratch because its manifest was missing"),
        ("payment", "ERROR", "signature of webhook from {card} does not verify, event ignored"),
        ("payment", "WARN", "the same refund was asked for three times by one customer"),
        ("mail", "ERROR", "relay says our domain is on a block list"),
        ("mail", "WARN", "attachment of an outgoing mail contains a macro"),
        ("cache", "ERROR", "replica and primary disagree about {int:3-400} keys after the election"),
        ("cache", "WARN", "maximum memory was lowered while running, by a hand-written command"),
        ("orders", "ERROR", "total of the basket is not the sum of its items"),
        ("orders", "WARN", "delivery address changed after the parcel was handed over"),
    )
)

# A usual message with a value that cannot be: the template, and what stands in a field of it.
WRONG_VALUES = (
    ("request", {"ms": "1840233"}), ("request", {"ms": "-12"}), ("search", {"int": "-1"}), ("search", {"ms": "NaN"}),
    ("login", {"ip": "0.0.0.0"}), ("login", {"user": "root"}), ("login", {"user": "null"}),
    ("token", {"int": "525600"}),
    ("cache_hit", {"key": "product:undefined"}), ("evicted", {"int": "4294967295"}), ("pool", {"int": "40000"}),
    ("export", {"file": "/etc/shadow"}), ("export", {"int": "0"}), ("mail", {"int": "None"}),
    ("heartbeat", {"int": "412"}), ("checkpoint", {"ms": "7203311"}), ("job_done", {"ms": "0"}),
    ("request", {"page": "/../../../../etc/passwd"}), ("request", {"page": "/search?q=' OR 1=1 --"}),
    ("order_created", {"money": "-18840.00"}), ("order_created", {"money": "99999999.99"}),
)  # fmt: skip

# Lines that no service of the shop words: traces of a crash, and a library's messages in other languages.
FOREIGN = (
    ("java.lang.NullPointerException: Cannot invoke \"Basket.total()\" because \"basket\" is null",
     "\tat shop.checkout.PriceService.sum(PriceService.java:{int:20-400})",
     "\tat shop.checkout.CheckoutController.post(CheckoutController.java:{int:20-400})",
     "\tat org.apache.catalina.core.ApplicationFilterChain.doFilter(ApplicationFilterChain.java:166)",
     "\t... {int:20-60} more"),
    ("Traceback (most recent call last):",
     '  File "/srv/worker/export.py", line {int:20-400}, in write',
     "    row = rows[index]",
     "IndexError: list index out of range"),
    ("thread 'main' panicked at src/index/segment.rs:{int:20-900}:{int:4-60}:",
     "called `Option::unwrap()` on a `None` value",
     "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace"),
    ("Verbindung zum Drucker im Lager {city} unterbrochen, Auftrag wird verworfen",),
    ("Échec de la validation du certificat du transporteur, nouvel essai dans {int:5-50} s",),
    ("Impossibile aprire il file dei prezzi: permesso negato",),
    ("El código postal no existe, se devuelve el paquete {hex}",),
    ("プリンターに接続できません（エラー {int:100-900}）",),
)  # fmt: skip
