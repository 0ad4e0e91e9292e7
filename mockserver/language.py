"""Language codes as requests name them, and what the agent says of a silence in each language that it knows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

DEFAULT = "en"
"""What is spoken where a call names no language, or one that nobody here knows."""

SAME = {"no": "nb", "nn": "nb", "iw": "he", "in": "id", "zh-hk": "zh-tw", "zh-mo": "zh-tw", "zh-hant": "zh-tw"}
"""Codes that mean nearly what another one does, and are treated like it."""


class Lines(NamedTuple):
    """What the agent says when nobody has spoken for a while: the question, and the words before it hangs up."""

    prompt: str
    farewell: str


LINES = {
    "en": Lines("Are you still there?", "I have not heard anything for a while. Goodbye."),
    "ar": Lines("هل ما زلت معي؟", "لم أسمع شيئًا منذ فترة. مع السلامة."),
    "bg": Lines("Още ли сте там?", "От известно време не чувам нищо. Довиждане."),
    "ca": Lines("Encara hi és?", "Fa una estona que no sento res. Adéu."),
    "cs": Lines("Jste tam ještě?", "Už chvíli nic neslyším. Na shledanou."),
    "da": Lines("Er du der stadig?", "Jeg har ikke hørt noget i et stykke tid. Farvel."),
    "de": Lines("Sind Sie noch da?", "Ich habe eine Weile nichts mehr gehört. Auf Wiederhören."),
    "el": Lines("Είστε ακόμα εκεί;", "Δεν ακούω τίποτα εδώ και λίγη ώρα. Αντίο σας."),
    "es": Lines("¿Sigue ahí?", "Hace un rato que no oigo nada. Adiós."),
    "et": Lines("Kas olete veel seal?", "Ma pole mõnda aega midagi kuulnud. Head aega."),
    "fa": Lines("هنوز آنجا هستید؟", "مدتی است که چیزی نمی‌شنوم. خدانگهدار."),
    "fi": Lines("Oletteko vielä siellä?", "En ole kuullut mitään hetkeen. Kuulemiin."),
    "fr": Lines("Êtes-vous toujours là ?", "Je n'entends rien depuis un moment. Au revoir."),
    "he": Lines("האם אתם עדיין על הקו?", "לא שמעתי דבר כבר זמן מה. להתראות."),
    "hi": Lines("क्या आप अभी भी लाइन पर हैं?", "मुझे कुछ देर से कुछ सुनाई नहीं दिया। नमस्ते।"),
    "hr": Lines("Jeste li još tu?", "Već neko vrijeme ništa ne čujem. Doviđenja."),
    "hu": Lines("Ott van még?", "Egy ideje nem hallok semmit. Viszonthallásra."),
    "id": Lines("Apakah Anda masih di sana?", "Sudah beberapa saat saya tidak mendengar apa pun. Sampai jumpa."),
    "it": Lines("È ancora in linea?", "È da un po' che non sento nulla. Arrivederci."),
    "ja": Lines("まだいらっしゃいますか？", "しばらくお声が聞こえません。失礼いたします。"),
    "ko": Lines("아직 계신가요?", "한동안 아무 소리도 들리지 않았습니다. 안녕히 계세요."),
    "lt": Lines("Ar jūs dar čia?", "Jau kurį laiką nieko negirdžiu. Viso gero."),
    "lv": Lines("Vai jūs vēl esat tur?", "Jau kādu laiku neko nedzirdu. Uz redzēšanos."),
    "ms": Lines("Adakah anda masih di sana?", "Sudah seketika saya tidak mendengar apa-apa. Selamat tinggal."),
    "nb": Lines("Er du der fortsatt?", "Jeg har ikke hørt noe på en stund. Ha det bra."),
    "nl": Lines("Bent u er nog?", "Ik heb al een tijdje niets gehoord. Tot ziens."),
    "pl": Lines("Czy nadal są Państwo na linii?", "Od dłuższej chwili nic nie słyszę. Do usłyszenia."),
    "pt": Lines("Ainda está aí?", "Há algum tempo que não ouço nada. Até logo."),
    "ro": Lines("Mai sunteți acolo?", "Nu am mai auzit nimic de ceva timp. La revedere."),
    "ru": Lines("Вы ещё здесь?", "Я уже некоторое время ничего не слышу. До свидания."),
    "sk": Lines("Ste tam ešte?", "Už chvíľu nič nepočujem. Dovidenia."),
    "sl": Lines("Ste še tam?", "Že nekaj časa ne slišim ničesar. Nasvidenje."),
    "sr": Lines("Да ли сте још ту?", "Већ неко време ништа не чујем. Довиђења."),
    "sv": Lines("Är du kvar?", "Jag har inte hört något på en stund. Hej då."),
    "th": Lines("คุณยังอยู่ในสายไหม", "ไม่ได้ยินเสียงมาสักพักแล้ว ลาก่อน"),
    "tr": Lines("Hâlâ orada mısınız?", "Bir süredir hiçbir şey duymuyorum. Hoşça kalın."),
    "uk": Lines("Ви ще тут?", "Я вже деякий час нічого не чую. До побачення."),
    "vi": Lines("Quý vị còn ở đó không?", "Tôi không nghe thấy gì một lúc rồi. Xin tạm biệt."),
    "zh": Lines("您还在吗？", "我有一会儿没听到声音了。再见。"),
    "zh-tw": Lines("您還在嗎？", "我有一會兒沒聽到聲音了。再見。"),
}
"""By language code, in lower case."""


def tags(language: str) -> Iterator[str]:
    """The codes that fit a language, the closest first: `pt_BR` is `pt-br`, else `pt`."""
    parts = language.strip().lower().replace("_", "-").split("-")[:8]
    for length in range(len(parts), 0, -1):
        tag = "-".join(parts[:length])
        yield tag
        if tag in SAME:
            yield SAME[tag]


def lines(language: str) -> Lines:
    """What the agent says of a silence, in this language; in English where nobody here knows it."""
    return next((LINES[tag] for tag in tags(language) if tag in LINES), LINES[DEFAULT])
