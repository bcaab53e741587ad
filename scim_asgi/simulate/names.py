"""What people, teams and places are called: in many scripts, with everything that breaks systems."""

from __future__ import annotations

PEOPLE: tuple[tuple[str, str, str], ...] = (
    ("Ada", "Lovelace", "ada.lovelace"),
    ("Grace", "Hopper", "grace.hopper"),
    ("Seán", "O'Casey", "sean.o'casey"),
    ("Łukasz", "Żak", "lukasz.zak"),
    ("Zoë", "Müller-Lüdenscheidt", "zoe.mueller-luedenscheidt"),
    ("José", "Núñez y Peña", "jose.nunez"),
    ("Nguyễn", "Thị Hương", "huong.nguyen"),
    ("Øyvind", "Ångström", "Oyvind.Angstrom"),
    ("Æsa", "Þórðardóttir", "aesa"),
    ("Ελένη", "Παπαδοπούλου", "eleni.p"),
    ("Наталья", "Щербакова", "n.shcherbakova"),
    ("伟", "王", "wang.wei"),
    ("さくら", "山田", "yamada.sakura"),
    ("지훈", "김", "kim_jihoon"),
    ("محمد", "الفاسي", "m.alfasi"),
    ("נועה", "לוי", "noa.levi"),
    ("आरव", "शर्मा", "aarav.sharma"),
    ("Mary Ann", "de la Cruz", "mary-ann.delacruz"),
    ("Jean-Luc", "d’Arc", "jl.darc"),
    ("Anne\u0301", "Le\u0301ger", "anne.leger"),
    ("I", "Li", "i.li"),
    ("İpek", "Işık", "ipek.isik"),
    ("Groß", "Straßer", "g.strasser"),
    ("X Æ A-12", "Smith, Jr.", "smith+xae"),
    ("Wolfeschlegelsteinhausenbergerdorff", "Hubert Blaine, Sr.", "hubert.blaine"),
    ("Robert'); --", 'Tables "Bobby"', "bobby.tables"),
    ("Null", "None", "null"),
    ("True", "False", "true.false"),
    ("Ana\u00a0Sofía", "Muñoz\u2009Gómez", "ana.sofia"),
    ("Björk", "Guðmundsdóttir", "BJORK"),
)
"""Given name, family name, and how a login for them begins."""

TEAMS = (
    "acme-employees",
    "acme-admins",
    "Engineering",
    "Sales & Marketing (EMEA)",
    "Ingénierie",
    "営業部",
    "O'Reilly Project",
    'The "A" Team',
    "C:\\Operations",
    "R+D 100%",
    "Отдел кадров",
    "Finance / Controlling",
    "Straße",
    "ACME - All Staff",
    "team=blue;lead",
    "عمليات",
    "Design, UX",
    "on-call <24x7>",
    "Legal eq true",
    "Z#1?",
)

DEPARTMENTS = ("Engineering", "Sales", "Legal", "Buchhaltung", "営業", "R&D", "Kundendienst")
TITLES = (
    "Engineer",
    "Lead",
    "Head of Sales",
    "Praktikantin",
    "Président-directeur général",
    "部長",
)
CITIES = (
    ("Köln", "NRW", "DE", "50667"),
    ("San José", "CA", "US", "95113"),
    ("Kraków", "", "PL", "31-001"),
    ("東京", "", "JP", "100-0001"),
    ("Dublin", "Leinster", "IE", "D02 AF30"),
)
"""City, region, country and postal code."""

LANGUAGES = ("en-US", "de-DE", "fr", "pl-PL", "ja")
ROLES = ("editor", "viewer", "Owner")
