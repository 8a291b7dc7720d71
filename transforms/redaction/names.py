"""Names of fields that hold personal data wherever they stand, and how spellings are compared."""

import unicodedata
from functools import lru_cache


@lru_cache(maxsize=8_192)
def folded(name: str) -> str:
    """Give the letters and digits of a name in one case: `E-Mail` and `e_mail` are `email`."""
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return "".join(filter(str.isalnum, text))


_WORDS = """
e-mail  mail  e-mail-address  mail-address  user-email  customer-email  buyer-email  contact-email
phone  phone-number  phone-no  mobile  mobile-phone  mobile-number  cell-phone  tel
telephone  hp  contact-number  customer-mobile-phone  customer-phone  buyer-tel
first-name  last-name  middle-name  full-name  given-name  family-name  sur-name  maiden-name
user-name  real-name  display-name  nick-name  customer-name  buyer-name  depositor-name
card-holder-name  account-holder  real-name-normalized  display-name-normalized
birthday  birth-date  date-of-birth  dob  birth
street  street-address  address-line-1  address-line-2  address-1  address-2  postal-address
home-address  postal-code  line1  line2
rrn  ssn  jumin  jumin-no  jumin-number  resident-number  resident-registration-number
passport  passport-number  passport-no  driver-license
card-number  card-no  credit-card  credit-card-number  cvc  cvv  account-number  bank-account
iban
password  passwd  pwd  secret  client-secret  token  access-token  refresh-token  id-token
auth-token  api-key  private-key  secret-key  authorization  cookie  set-cookie
"""
_KOREAN = """
이메일 이메일주소 메일 메일주소 전자우편 전화 전화번호 휴대폰 휴대폰번호 핸드폰 핸드폰번호 휴대전화
휴대전화번호 연락처 비상연락처 이름 성명 성함 실명 닉네임 별명 신청자명 지원자명 예금주 생년월일
생일 주소 상세주소 도로명주소 집주소 우편번호 주민번호 주민등록번호 외국인등록번호 여권번호
운전면허번호 카드번호 계좌번호 비밀번호 암호
"""
SPOKEN_WORDS = frozenset(tuple(name.split("-")) for name in (_WORDS + _KOREAN).split())
"""Names that speak for themselves, by their words."""

SPOKEN = frozenset(folded("".join(words)) for words in SPOKEN_WORDS)
"""The same, folded."""

PEOPLE = frozenset(
    """
        user customer customer_details billing_details shipping shipping_details profile
        person member recipient owner buyer author respondent guardian applicant student
        sender
    """.split()  # noqa: SIM905 - a word list
)
OF_PEOPLE = frozenset(map(folded, PEOPLE))
"""Objects about a person: a bare `name` directly in one is that person's."""

OF_THINGS = frozenset(
    map(
        folded,
        """
        library app campaign os device browser product products group company plan page
        """.split(),  # noqa: SIM905 - a word list
    )
)
"""Objects whose `name` is no person's."""

API_FIELDS = frozenset(
    """
    type event name category userid anonymousid groupid previousid messageid timestamp sentat
    originaltimestamp receivedat properties traits context integrations batch channel version
    writekey rudderid metadata projectid
    """.split()  # noqa: SIM905 - a word list
)
"""Fields of calls and batches of the tracking API: what stands elsewhere, others have made."""

IDS = frozenset(
    {"userid", "anonymousid", "messageid", "groupid", "previousid", "sessionid", "deviceid"}
)
"""Ids of the tracking API: only an e-mail address or a phone number in one is replaced."""

LABELS = frozenset({"key", "name", "label", "field", "title", "question"})
"""Members that name what stands in a neighbouring one of `VALUES`, as forms and OTLP have it."""

VALUES = frozenset({"value", "values", "answer", "answers", "text", "content", "response"})

PARAMETERS = frozenset(
    """
        code sid session session_id jsessionid phpsessid asp.net_sessionid connect.sid otp sig
        signature x-amz-signature x-amz-security-token auth jwt ticket assertion samlresponse
        key_secret secret_token reset_token verification_code
    """.split()  # noqa: SIM905 - a word list
)
IN_QUERIES = frozenset(map(folded, PARAMETERS))
"""Parameters of addresses that let somebody in."""

TEXTS = frozenset({"text", "answer", "value", "response", "content"})
"""Members of a stranger's document that hold what somebody wrote."""

WRITE_KEY = "writekey"


def label(text: str) -> str:
    """Fold what a form calls a field, without what stands in brackets behind it."""
    return folded(text.partition("(")[0])
