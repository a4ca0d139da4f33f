"""PostgreSQL drops sessions, restarts, goes away and comes back under load; pages answer 503 meanwhile."""

import signal
import time
from collections import Counter
from collections.abc import Callable

import httpx
from django.db import DatabaseError, InterfaceError, connection

from benchmarks.faults.harness import Figures, Ground
from imageanalysis.tests.application import Person
from imageanalysis.tests.processes import until
from imageanalysis.tests.servers import PostgreSQL

HEAL_LIMIT_SECONDS = 10
ALLOWED = {200, 201, 503}


def run(ground: Ground) -> Figures:
    if ground.server is None:
        return {"left out": "there is no server to take away"}
    crew = ground.workers()
    crew.exit_codes.clear()
    codes: Counter[int] = Counter()
    healed: dict[str, list[float]] = {name: [] for name in OUTAGES}
    with ground.web() as web:
        until(lambda: is_up(web.url), "the web server does not answer")
        person = Person(web.url, f"visitor{time.monotonic_ns() % 10**9}")
        for _ in range(1 if ground.options.short else min(ground.options.times, 10)):
            for name, break_it in OUTAGES.items():
                upload(ground, person, codes)
                break_it(ground.server, lambda: visit(person, codes))
                mended_at = time.monotonic()
                until(lambda: visit(person, codes) == 200, "the pages do not heal", seconds=60)
                healed[name].append(time.monotonic() - mended_at)
                upload(ground, person, codes)
        until(lambda: connects_again(), "this process does not reach the database", seconds=30)
        ground.wait_until_ended()
    slow = [name for name, seconds in healed.items() if max(seconds) > HEAL_LIMIT_SECONDS]
    wrong = sorted(set(codes) - ALLOWED)
    return {
        **{name: f"pages healed after {max(seconds):.1f} s" for name, seconds in healed.items()},
        "answers": ", ".join(f"{count} x {code}" for code, count in sorted(codes.items())),
        "workers ended": len(crew.exit_codes),
        "broken": [f"after {name} pages took longer than {HEAL_LIMIT_SECONDS} s to heal" for name in slow]
        + [f"pages answered {code}" for code in wrong],
    }


def is_up(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def visit(person: Person, codes: Counter[int]) -> int:
    answer = person.client.get("/")
    codes[answer.status_code] += 1
    return answer.status_code


def upload(ground: Ground, person: Person, codes: Counter[int]) -> None:
    """One picture over HTTP; what is acknowledged has to be there in the end."""
    answer = person.client.post(
        "/images/upload/",
        data={"csrfmiddlewaretoken": person.token},
        files={"files": ("photograph-00.jpg", ground.files[0])},
        headers={"Accept": "application/json"},
    )
    codes[answer.status_code] += 1
    if answer.status_code == 201:
        ground.accepted.update(image["id"] for image in answer.json()["images"])


def connects_again() -> bool:
    connection.close()
    try:
        connection.ensure_connection()
    except (DatabaseError, InterfaceError):
        return False
    return True


def terminate_sessions(server: PostgreSQL, visit_page: Callable[[], int]) -> None:
    until(connects_again, "no connection")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    visit_page()


def restart_fast(server: PostgreSQL, visit_page: Callable[[], int]) -> None:
    server.end(signal.SIGINT)
    visit_page()
    server.launch()


def restart_at_once(server: PostgreSQL, visit_page: Callable[[], int]) -> None:
    server.end(signal.SIGQUIT)
    visit_page()
    server.launch()


def stop_for_a_while(server: PostgreSQL, visit_page: Callable[[], int]) -> None:
    server.end(signal.SIGINT)
    for _ in range(6):
        visit_page()
        time.sleep(0.5)
    server.launch()


OUTAGES = {
    "terminated sessions": terminate_sessions,
    "fast restart": restart_fast,
    "immediate restart": restart_at_once,
    "stop": stop_for_a_while,
}
