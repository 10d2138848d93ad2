"""Short forms and typing errors, listed by the word that is meant: "word: forms", with semicolons between words."""

SHORT_FORMS_BY_WORD = (
    "just: jus jst juss jsut juz; little: lil lttle litle littel; back: bk bck bak bakc bac; spin: spn spinn spen; "
    "move: mv mvoe mve moov muv movee moev; backward: bckwrd bckwd bkwrd bwd bkwd bkw backword bkward bckward; "
    "backwards: bckwrds bkwds bkwards bwds bckwards backwrds backwds backwords bacwards bakwards; forward: fwrd fwd "
    "fwds frwd 4ward 4wards forwrds fowards foward farward forword forwords forrward fwards frward; turn: tern trn "
    "tunr turm turnn trun tirn; seconds: secnds scnds secodns sek seks secns scs secds secons; stop: stahp stp "
    "stopp stopppp tsop; metres: mtrs meterz mters mtres meterss metrs metters; straight: str8 strt strait strght "
    "straigt straght straignt staright stright strate streight strit; going to: gonna finna; want to: wanna; have "
    "to: gotta hafta; that: dat tht; the: da teh hte; you: ya; round: rnd; around: arnd arond aroud arund; steps: "
    "stepz stpes setps stesp stps stpz stepps staps steos; clockwise: clkwise clckwise clockwize clokwise clockwice "
    "clocwise; anticlockwise: anticlock anticlockwize; please: plse pls plz plsss plss plzz plez pleeease pleaase "
    "pleae pleasse pleese; and: nd adn nad anf abd; twice: 2wice twic twise 2ice; return: rtn; reverse: rvrs rvs "
    "rev; slow: slo slw sloooow sloe; quick: kwik quik qck qk; wait: w8 wate waitt wayt wiat; walk: wlk wak wlak "
    "walkk wakl walj waalk walc; jump: jmp jumpp jum jumo jumb jmpp; run: rnu rn; left: lft lef lfet letf leftt "
    "elft lefft leff leftwd; right: rght rgt rite rt rightt rihgt rigth rigt riht rigjt righ righht ryt rhgt rigtht "
    "rgiht rught; get: gte; then: thn tehn thne hten den; for: fro ofr; times: tiems tims; your: ur yr yur yer; "
    "half: hafl haf; degrees: degs deggs dgrs degr dgr degres degress degreees degrese dergees degeres; "
    "with: wiht wth wiv; before: b4 befor bfore; sideways: sidewys sidways sidewas; until: untill; till: til; "
    "ahead: ahed ahd aheed ahaed ahad aheard; go: gp og; quickly: quikly qickly qkly quckly "
    "quicky; fast: fst fasst fastt; forty: fourty; ninety: ninty; next: nxt; after: aftr afta; because: bcoz cuz "
    "coz; really: rly rlly realy reli; very: vry vv; slowly: slowely slowy slwly slolwy; speed: spd; speedy: spdy; "
    "front: frnt; in front: infront; later: l8r l8er ltr; again: agn agen agian agin; once: onc oncce; metre: mtr; "
    "second: scnd secon; minute: mnt minit; minutes: mnts mintes minuts minits; turned: turnd; rotate: rotat roate "
    "rotete rottate; sprint: sprnt sprnit; jumps: jmps; hop: hopp; walking: wlkin walkin wlking; running: runnin "
    "runing; jogging: joggin; jumping: jumpin; turning: turnin; moving: movin; standing: standin; going: goin; "
    "waiting: waitin; stopping: stoppin; stand: stnd satnd sdand stadn stnad; get up: gitup getup; stand up: "
    "standup; wake up: wakeup; yourself: urself yourslf yrself yaself; people: ppl; kindly: kindy; could: cud cld; "
    "would: wud wld; should: shud shld shoulda; don't: dont dnt doent; can't: cant; won't: wont; didn't: didnt; "
    "you're: youre; you've: youve; i've: ive; without: wout; this: dis ths; them: dem; something: smth; about: abt; "
    "a bit: abit lilbit; a little: alil; a lot: alot; quarter: qtr qrtr quater qaurter quartr quartre; couple: cpl; "
    "couple of: coupla; kind of: kinda; sort of: sorta; out of: outta; let me: lemme; give me: gimme gimmie; i "
    "will: imma; ought to: oughta; try to: tryna; need to: needa; diagonally: diag diagonaly diagnally diaganally; "
    "diagonal: diagnal diagnoal diagnol diaganol; counterclockwise: counterclockwize couterclockwise "
    "counterclokwise; pause: pasue puase pauze; freeze: freez freze; halt: hlt hault; still: stil stll stiill"
)
SHORT_FORMS = {
    form: word.strip()
    for word, forms in (entry.split(":") for entry in SHORT_FORMS_BY_WORD.split(";"))
    for form in forms.split()
}
