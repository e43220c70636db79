"""What area `scale` makes, as plain arithmetic: which load balancers, services and targets, and what a check must say of each target. No IO.

Everything follows from the number of a service. One in a hundred has 100 targets, one in eleven of the others 10, the rest 9: 2 000 services have
20 000 targets, each with an address of its own.
"""
import dataclasses

SERVICES = 2000
PER_BALANCER = 100
FIRST_PORT = 10000
# Of each load balancer: listeners more, each of which moves between the services of two others. All services keep a listener of their own that way:
# one without is not checked.
MOVERS_PER_BALANCER = 2
# Load balancers go by turns of 20: what half of the services does on an alb, a quarter on an nlb, a quarter on a dnlb.
TYPES = ["alb"] * 10 + ["nlb"] * 5 + ["dnlb"] * 5
# Addresses that answer their check with 503 after the turn: those divisible by it (fleet.cpp knows it too).
TURNING_DIVISOR = 40
# Of twenty targets so many are not what they should be.
SICK_OF_20 = {3: "closed", 8: "sick", 14: "mute"}
# Services by their number modulo 20: those whose listeners carry the traffic.
CALM = (0, 5, 8, 13, 16)


def targets_of(number):
    """How many targets the service begins with."""
    if number % PER_BALANCER == 0:
        return 100
    return 10 if number % 11 == 0 else 9


def address(number):
    """127.100.0.0 and on: away from the default subnet, whose addresses load balancers take."""
    return f"127.{100 + number // 62500}.{number // 250 % 250}.{number % 250 + 1}"


def is_turning(text):
    """Whether a server of this address answers its check with 503 after the turn."""
    a, b, c, d = map(int, text.split("."))
    return ((a << 24) + (b << 16) + (c << 8) + d) % TURNING_DIVISOR == 0


@dataclasses.dataclass
class Ports:
    """Of the servers, on every address of the machine."""
    good: int
    sick: int
    mute: int
    closed: int

    def of(self, word):
        return getattr(self, word)


@dataclasses.dataclass
class Service:
    """One listener, its backend service and its target group. The targets are {id: (address, word of the port)}."""
    number: int
    balancer: str = ""
    vip: str = ""
    group: str = ""
    backend: str = ""
    listener: str = ""
    targets: dict = dataclasses.field(default_factory=dict)

    @property
    def type(self):
        return TYPES[self.number // PER_BALANCER % len(TYPES)]

    @property
    def port(self):
        return FIRST_PORT + self.number % PER_BALANCER

    @property
    def is_http(self):
        return self.type == "alb" and self.number % 2 == 0

    @property
    def protocol(self):
        return "Http" if self.is_http else "Tcp"

    @property
    def check(self):
        """A dnlb can be checked by TCP only."""
        return "Http" if self.type != "dnlb" and self.number % 4 < 2 else "Tcp"

    @property
    def is_calm(self):
        """No change here may cut a connection: it carries the traffic in which no request may fail."""
        return self.number % 20 in CALM

    def is_hashed(self):
        return self.algorithm() in ("IpHash", "QuintupleHash")

    def algorithm(self, turn=0):
        """Half of all services hash: those of the dnlbs, and a third of the others. `turn` gives another one of the same sort."""
        if self.type == "dnlb":
            return ("IpHash", "QuintupleHash")[(self.number + turn) % 2]
        if self.number % 3 == 0:
            return "IpHash"
        return ("RoundRobin", "LeastConn")[(self.number + turn) % 2]

    def health_check(self, interval):
        check = {"protocol": self.check, "intervalSeconds": interval}
        return check | ({"httpPath": "/check"} if self.check == "Http" else {})

    def word(self, place):
        """Which port the target at this place of the group has: what is sick beyond a closed port only an HTTP check can see."""
        found = SICK_OF_20.get((self.number * 7 + place) % 20, "good")
        return found if found in ("good", "closed") or self.check == "Http" else "good"

    def verdict(self, target, has_turned):
        """What the check must say of (address, word)."""
        text, word = target
        is_sick = word != "good" or (has_turned and self.check == "Http" and is_turning(text))
        return "unhealthy" if is_sick else "healthy"

    def fresh_targets(self, first, ports):
        """As a target group takes them; `first`: the number of the first one's address."""
        return [{"ipAddress": address(first + place), "port": ports.of(self.word(place)), "weight": 10} for place in range(targets_of(self.number))]


@dataclasses.dataclass
class Mover:
    """A listener that goes from one service to another of the same load balancer and protocol, and back."""
    number: int
    services: tuple
    listener: str = ""
    place: int = 0

    @property
    def port(self):
        return FIRST_PORT + PER_BALANCER + self.number % MOVERS_PER_BALANCER


def movers(made):
    """Of all load balancers; `made`: the services in order."""
    return [Mover(first // PER_BALANCER * MOVERS_PER_BALANCER + which, (made[first + 6 + which], made[first + 8 + which]))
            for first in range(0, len(made), PER_BALANCER) for which in range(MOVERS_PER_BALANCER)]


def services(count):
    """[(service, number of its first address)]."""
    found, first = [], 0
    for number in range(count):
        found.append((Service(number), first))
        first += targets_of(number)
    return found


def wrong_verdicts(service, shown, has_turned):
    """["address: said instead of wanted"] of what `shown` ([{"targetId", "ipAddress", "status", "reason", "detail"}]) says wrongly, and of what it does not name."""
    said = {target["targetId"]: target["status"] for target in shown}
    reasons = {target["targetId"]: f"{target['reason']} {target['detail']}" for target in shown}
    wanted = {id: (target[0], service.verdict(target, has_turned)) for id, target in service.targets.items()}
    wrong = [f"{text}: {said.get(id, 'nothing')} instead of {verdict}: {reasons.get(id)}" for id, (text, verdict) in wanted.items() if said.get(id) != verdict]
    return wrong + [f"{id}: no such target" for id in said if id not in wanted]
