"""What dig and curl print, as the lab reads it."""

import subprocess

from monitor.lab.client import is_address, read_answer, read_transfer

DIG = """
; <<>> DiG 9.18 <<>> @203.0.113.53 www.youtube.com
;; Got answer:
;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 8020
;; QUESTION SECTION:
;www.youtube.com.\t\tIN\tA

;; ANSWER SECTION:
www.youtube.com.\t60\tIN\tCNAME\tyoutube-ui.l.google.com.
youtube-ui.l.google.com. 60\tIN\tA\t142.250.74.78

;; Query time: 0 msec
"""
KDIG = ";; ->>HEADER<<- opcode: QUERY; status: NXDOMAIN; id: 22\n\n;; AUTHORITY SECTION:\na. 1 IN SOA b. c. 1 2 3 4 5\n"


def test_an_answer() -> None:
    answer = read_answer(DIG, 20_000)
    assert (answer.status, answer.port) == ("NOERROR", 20_000)
    assert answer.records == (
        "www.youtube.com. 60 IN CNAME youtube-ui.l.google.com.",
        "youtube-ui.l.google.com. 60 IN A 142.250.74.78",
    )


def test_a_negative_answer_and_none() -> None:
    assert (read_answer(KDIG, 0).status, read_answer(KDIG, 0).records) == ("NXDOMAIN", ())
    assert read_answer(";; no servers could be reached\n", 0).status == ""


def test_transfers() -> None:
    done = subprocess.CompletedProcess([], 0, "\n200 3000 71.18.1.10 0.010", "")
    assert (read_transfer(done, 20006).good, read_transfer(done, 20006).port) == (True, 20006)
    dead = subprocess.CompletedProcess([], 7, "\n000 0  0.001", "curl: (7) Couldn't connect\n")
    told = read_transfer(dead, 20007)
    assert (told.good, told.code, told.remote, told.port) == (False, 7, "", 20007)


def test_an_address_is_no_name() -> None:
    assert is_address("https://71.18.2.20/bytes/5")
    assert is_address("https://[2605:340::20]/")
    assert not is_address("https://www.tiktok.com/")
