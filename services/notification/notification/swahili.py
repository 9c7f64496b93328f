"""The mails in Swahili, line by line: what is said in English, and how."""

from typing import Final

SWAHILI: Final[dict[str, str]] = {
    # subject lines
    "We have your order {{ number }}": "Tumepokea oda yako {{ number }}",
    "Your order {{ number }} is confirmed": "Oda yako {{ number }} imethibitishwa",
    "Your order {{ number }} was cancelled": "Oda yako {{ number }} imeghairiwa",
    "Your order {{ number }} is on its way": "Oda yako {{ number }} iko njiani",
    "Your order {{ number }} has arrived": "Oda yako {{ number }} imefika",
    "A refund for your order {{ number }}": "Marejesho ya pesa ya oda yako {{ number }}",
    "Please pay for your order {{ number }}": "Tafadhali lipia oda yako {{ number }}",
    "The payment for your order {{ number }} failed": "Malipo ya oda yako {{ number }} hayakufanikiwa",
    "You left something in your cart": "Umeacha bidhaa kwenye kikapu chako",
    "Welcome to Soko": "Karibu Soko",
    "Your code": "Nambari yako ya siri",
    "You already have an account": "Tayari una akaunti",
    "Choose a new password": "Chagua nenosiri jipya",
    "Your password was changed": "Nenosiri lako limebadilishwa",
    "The address of your account was changed": "Anwani ya akaunti yako imebadilishwa",
    "Logging in now needs a code": "Kuingia sasa kunahitaji nambari ya siri",
    "Logging in no longer needs a code": "Kuingia hakuhitaji tena nambari ya siri",
    "A recovery code of yours was used": "Nambari yako moja ya kurejesha akaunti imetumika",
    "We have ended a session of yours": "Tumefunga kipindi chako kimoja",
    # orders
    "You get this mail because you ordered from us.": "Umepokea barua pepe hii kwa sababu uliagiza kwetu.",
    "Thank you. We have your order and are setting its articles aside; we tell you when it is confirmed.": (
        "Asante. Tumepokea oda yako na tunakutengea bidhaa zake; tutakujulisha itakapothibitishwa."
    ),
    "Your order is confirmed. You pay when it is delivered.": (
        "Oda yako imethibitishwa. Utalipa utakapoletewa bidhaa."
    ),
    "Your payment has arrived and your order is confirmed.": "Malipo yako yamefika na oda yako imethibitishwa.",
    "We tell you when it is on its way.": "Tutakujulisha itakapokuwa njiani.",
    "Shipping, tax, discount": "Usafirishaji, kodi, punguzo",
    "Total": "Jumla",
    "A parcel has left us with %(carrier)s.": "Kifurushi kimeondoka kwetu kupitia %(carrier)s.",
    "A parcel has left us.": "Kifurushi kimeondoka kwetu.",
    "Its number: %(number)s": "Nambari yake: %(number)s",
    "All of it has been delivered. We hope you like it.": "Bidhaa zote zimefikishwa. Tunatumaini utazipenda.",
    "We have sent %(amount)s back to you. Depending on your bank it arrives within a few days.": (
        "Tumekurudishia %(amount)s. Kulingana na benki yako, zitafika ndani ya siku chache."
    ),
    "Your articles are set aside. Please pay within %(minutes)s minutes, or the order is cancelled.": (
        "Bidhaa zako zimetengwa. Tafadhali lipa ndani ya dakika %(minutes)s, la sivyo oda itaghairiwa."
    ),
    # cancelled, and payments that failed
    "Something you ordered is out of stock.": "Bidhaa moja uliyoagiza imeisha.",
    "We could not set your articles aside in time.": "Hatukuweza kukutengea bidhaa zako kwa wakati.",
    "The coupon could not be used.": "Kuponi haikuweza kutumika.",
    "The payment failed several times.": "Malipo hayakufanikiwa mara kadhaa.",
    "It was not paid in time.": "Haikulipwa kwa wakati.",
    "You asked us to cancel it.": "Ulituomba tuighairi.",
    "We had to cancel it.": "Tulilazimika kuighairi.",
    "It will not be sent.": "Haitatumwa.",
    "Whatever you have paid goes back to you by itself.": "Chochote ulicholipa kitarudishwa kwako bila kuomba.",
    "%(ordered)s ordered, %(left)s left": "umeagiza %(ordered)s, zimebaki %(left)s",
    "The payment was declined.": "Malipo yalikataliwa.",
    "There was not enough money on the account.": "Hapakuwa na pesa za kutosha kwenye akaunti.",
    "The payment was not completed in time.": "Malipo hayakukamilika kwa wakati.",
    "Nothing was taken from you, and your articles are still set aside: you can pay in another way.": (
        "Hakuna pesa uliyokatwa, na bidhaa zako bado zimetengwa: unaweza kulipa kwa njia nyingine."
    ),
    # carts
    "These are still in your cart, as far as there is stock:": (
        "Bidhaa hizi bado zipo kwenye kikapu chako, ikiwa hazijaisha dukani:"
    ),
    "You asked to be reminded; in your notification preferences you can change that.": (
        "Uliomba kukumbushwa; unaweza kubadilisha hilo kwenye mapendeleo yako ya arifa."
    ),
    # doing without
    "No more mails like this one:": "Usipokee tena barua pepe kama hii:",
    "No more mails like this one": "Usipokee tena barua pepe kama hii",
    "mails about a cart that you left": "barua pepe kuhusu kikapu ulichoacha",
    "mails about your orders": "barua pepe kuhusu oda zako",
    "Done: from now on you get no more %(told)s.": "Tayari: kuanzia sasa hutapokea tena %(told)s.",
    "In your notification preferences you can change that again.": (
        "Unaweza kubadilisha hilo tena kwenye mapendeleo yako ya arifa."
    ),
    "Do you want no more %(told)s?": "Hutaki tena kupokea %(told)s?",
    "Codes and what you should know of your account come all the same.": (
        "Nambari za siri na taarifa muhimu za akaunti yako zitaendelea kuja."
    ),
    "No more of these": "Usinitumie tena",
    # by SMS
    "%(code)s is your Soko code. Give it to nobody.": "%(code)s ni nambari yako ya siri ya Soko. Usimpe mtu yeyote.",
    "Choose a new Soko password with this: %(token)s": "Chagua nenosiri jipya la Soko kwa kutumia hii: %(token)s",
    "Soko: please pay %(amount)s for your order %(number)s within %(minutes)s minutes.": (
        "Soko: tafadhali lipa %(amount)s kwa oda yako %(number)s ndani ya dakika %(minutes)s."
    ),
    "Soko: your order %(number)s is confirmed.": "Soko: oda yako %(number)s imethibitishwa.",
    "Soko: your order %(number)s is on its way.": "Soko: oda yako %(number)s iko njiani.",
    "Parcel: %(parcel)s": "Kifurushi: %(parcel)s",
    "Soko: your order %(number)s has arrived.": "Soko: oda yako %(number)s imefika.",
    "Soko: your order %(number)s was cancelled. What you paid goes back to you.": (
        "Soko: oda yako %(number)s imeghairiwa. Ulicholipa kitarudishwa kwako."
    ),
    "Soko: we have sent %(amount)s back to you for your order %(number)s.": (
        "Soko: tumekurudishia %(amount)s za oda yako %(number)s."
    ),
    # accounts
    "You get this mail because somebody gave us this address as that of their account.": (
        "Umepokea barua pepe hii kwa sababu mtu alitupa anwani hii kuwa ya akaunti yake."
    ),
    "Your account is ready.": "Akaunti yako iko tayari.",
    "Hello %(name)s, your account is ready.": "Habari %(name)s, akaunti yako iko tayari.",
    "From now on you can order, follow your parcels and keep your addresses with us.": (
        "Kuanzia sasa unaweza kuagiza, kufuatilia vifurushi vyako na kuhifadhi anwani zako kwetu."
    ),
    "Use this code to confirm that this address is yours:": "Tumia nambari hii kuthibitisha kuwa anwani hii ni yako:",
    "It is good for %(minutes)s minutes.": "Inatumika kwa dakika %(minutes)s.",
    "Give it to nobody: we never ask for it.": "Usimpe mtu yeyote: sisi hatutakuuliza kamwe.",
    "If you did not ask for it, you need not do anything.": "Kama hukuiomba, huhitaji kufanya chochote.",
    "Somebody wanted to open an account with this address, but you have one already.": (
        "Mtu alitaka kufungua akaunti kwa anwani hii, lakini tayari una akaunti."
    ),
    "If that was you, log in, or choose a new password if you have forgotten yours.": (
        "Kama ni wewe, ingia, au chagua nenosiri jipya ikiwa umesahau lako."
    ),
    "If it was not you, you need not do anything: nobody was told that you have an account.": (
        "Kama si wewe, huhitaji kufanya chochote: hakuna aliyeambiwa kuwa una akaunti."
    ),
    "You can choose a new password with this:": "Unaweza kuchagua nenosiri jipya kwa kutumia hii:",
    "It is good once, for %(minutes)s minutes.": "Inatumika mara moja tu, ndani ya dakika %(minutes)s.",
    "Give it to nobody.": "Usimpe mtu yeyote.",
    "If you did not ask for it, you need not do anything: your password stays as it is.": (
        "Kama hukuiomba, huhitaji kufanya chochote: nenosiri lako linabaki kama lilivyo."
    ),
    "The password of your account was changed, and all other sessions ended.": (
        "Nenosiri la akaunti yako limebadilishwa, na vipindi vingine vyote vimefungwa."
    ),
    "If that was not you, choose a new password now: it ends all other sessions.": (
        "Kama si wewe, chagua nenosiri jipya sasa: vipindi vingine vyote vitafungwa."
    ),
    "Your account now has another address. This one is no longer used.": (
        "Akaunti yako sasa ina anwani nyingine. Hii haitumiki tena."
    ),
    "If that was not you, tell us at once.": "Kama si wewe, tuambie mara moja.",
    "From now on logging in needs a code of your authenticator app, and all other sessions have ended.": (
        "Kuanzia sasa kuingia kunahitaji nambari kutoka programu yako ya uthibitishaji, na vipindi vingine vyote"
        " vimefungwa."
    ),
    "Keep your recovery codes in a safe place: each logs you in once when the app is lost.": (
        "Hifadhi nambari zako za kurejesha akaunti mahali salama: kila moja hukuwezesha kuingia mara moja ukipoteza"
        " programu hiyo."
    ),
    "Logging in no longer needs a code of your authenticator app: the password is enough.": (
        "Kuingia hakuhitaji tena nambari kutoka programu yako ya uthibitishaji: nenosiri linatosha."
    ),
    "A recovery code was used in place of a code of your authenticator app.": (
        "Nambari ya kurejesha akaunti imetumika badala ya nambari kutoka programu yako ya uthibitishaji."
    ),
    "Codes left: %(left)s.": "Nambari zilizobaki: %(left)s.",
    "A session of yours was used from two places, so we have ended it.": (
        "Kipindi chako kimoja kilitumika kutoka sehemu mbili, kwa hiyo tumekifunga."
    ),
    "The device: %(device)s.": "Kifaa: %(device)s.",
    "The time: %(when)s.": "Muda: %(when)s.",
}
