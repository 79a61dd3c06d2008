package adapters

// German is the Bridge's own German. It addresses people as "Sie".
func German() Language {
	return Language{Tag: "de", Words: Catalogue{
		msgProgressTitle:   "Microsoft 365 wird vorbereitet",
		msgProgressHeading: "Microsoft 365 wird für Sie vorbereitet",
		msgProgressText: "Das ist nur bei der ersten Anmeldung nötig und kann bis zu einer Minute dauern. Sie müssen nichts " +
			"tun: Es geht von selbst weiter.",
		msgProgressStuck:  "Es tut sich nichts mehr?",
		msgProgressByHand: "Manuell fortfahren",

		msgStepDoing:  "läuft",
		msgStepDone:   "erledigt",
		msgStepFailed: "fehlgeschlagen",

		msgStepSelect:  "Prüfen, wer Sie sind",
		msgStepKnown:   "Nach Ihrem Konto suchen",
		msgStepToken:   "Verbindung zum Verzeichnis aufnehmen",
		msgStepReserve: "Ihren Anmeldenamen auswählen",
		msgStepCreate:  "Ihr Konto anlegen",
		msgStepManager: "Ihre Führungskraft eintragen",
		msgStepGroups:  "Sie in Ihre Gruppen aufnehmen",
		msgStepLicense: "Ihnen eine Lizenz zuweisen",
		msgStepSettle:  "Warten, bis Ihr Konto überall bekannt ist",

		msgWaitingTitle: "Das dauert länger als üblich",
		msgWaitingText: "Ihr Konto ist noch nicht bereit. Sie müssen nichts tun: Diese Seite versucht es weiter, und sobald " +
			"es möglich ist, geht es von selbst weiter.",
		msgWaitingSeconds: "Der nächste Versuch beginnt in etwa {seconds} Sekunden.",
		msgWaitingMinutes: "Der nächste Versuch beginnt in etwa {minutes} Minuten.",
		msgWaitingEnd: "Es geht nichts verloren: Was schon erledigt ist, bleibt erhalten, und bei Ihrer nächsten Anmeldung " +
			"geht es dort weiter. Wenn Sie diese Seite noch einmal sehen, wenden Sie sich bitte an Ihre IT-Administration.",

		msgAccountTitle:     "Ihr Konto konnte nicht eingerichtet werden",
		msgAccountBusy:      "Der Anmeldedienst ist gerade ausgelastet. Bitte versuchen Sie es in einigen Minuten noch einmal.",
		msgAccountNotReady:  "Ihr Konto ist noch nicht bereit. Bitte versuchen Sie es in einigen Minuten noch einmal.",
		msgAccountDetails:   "Mit den Angaben, die uns über Sie vorliegen, lässt sich kein Konto einrichten. Bitte wenden Sie sich an Ihre IT-Administration.",
		msgAccountNoLicence: "Für Ihr Konto ist derzeit kein Platz frei. Bitte wenden Sie sich an Ihre IT-Administration.",
		msgAccountNotAllowed: "Mit dieser Anmeldung können Sie Microsoft 365 nicht nutzen. Wenn Sie glauben, dass das ein Irrtum ist, wenden " +
			"Sie sich bitte an Ihre IT-Administration.",
		msgAccountRetired: "Ihr Zugang ist beendet. Wenn Sie glauben, dass das ein Irrtum ist, wenden Sie sich bitte an Ihre " +
			"IT-Administration.",
		msgAccountOther: "Ihr Konto konnte nicht eingerichtet werden. Bitte wenden Sie sich an Ihre IT-Administration.",

		msgRequestTitle: "Diese Anmeldung kann nicht fortgesetzt werden",
		msgRequestText: "Was hier angekommen ist, ist keine Anmeldung, um die Microsoft 365 gebeten hat. An Ihrem Konto hat sich " +
			"nichts geändert.",
		msgDirectTitle:  "Beginnen Sie bei Microsoft 365",
		msgDirectText:   "Auf diese Seite schickt Microsoft 365 Sie zur Anmeldung. Für sich allein lässt sie sich nicht öffnen.",
		msgExpiredTitle: "Diese Anmeldung hat zu lange gedauert",
		msgExpiredText:  "Eine Anmeldung muss innerhalb weniger Minuten abgeschlossen sein. Bitte beginnen Sie noch einmal.",
		msgOverTitle:    "Diese Anmeldung ist vorbei",
		msgOverText: "Sie wurde schon abgeschlossen, oder sie wurde vor zu langer Zeit oder in einem anderen Browser begonnen. " +
			"Bitte beginnen Sie noch einmal. Wenn diese Seite wiederkommt, blockiert Ihr Browser vielleicht Cookies.",
		msgCancelledTitle: "Sie haben die Anmeldung abgebrochen",
		msgCancelledText:  "Sie wurden nicht bei Microsoft 365 angemeldet.",
		msgDeniedTitle:    "Sie können sich hier nicht bei Microsoft 365 anmelden",
		msgDeniedText: "Dieses Konto ist dafür nicht zugelassen. Wenn Sie glauben, dass es das sein sollte, wenden Sie sich bitte an Ihre " +
			"IT-Administration.",
		msgUnknownTitle: "Sie konnten nicht angemeldet werden",
		msgUnknownText:  "Beim Feststellen, wer Sie sind, ist etwas schiefgegangen. Bitte versuchen Sie es noch einmal.",
		msgRefusedTitle: "Microsoft 365 würde Ihr Konto nicht annehmen",
		msgRefusedText: "Die Angaben, die uns über Sie vorliegen, entsprechen nicht dem, was Microsoft 365 braucht. Bitte wenden Sie " +
			"sich an Ihre IT-Administration.",
		msgInternalTitle: "Hier ist etwas schiefgegangen",
		msgInternalText:  "Es liegt nicht an Ihnen. Bitte versuchen Sie es in einigen Minuten noch einmal.",
		msgNotFoundTitle: "Diese Seite gibt es nicht",
		msgNotFoundText:  "Vielleicht enthält die Adresse einen Tippfehler, oder der Link ist veraltet.",
		msgDomainTitle:   "Diese Domäne gibt es hier nicht",
		msgDomainText:    "Ergänzen Sie die Adresse um die Verbunddomäne: ?domain=contoso.com",

		msgStartTitle: "Dieser Link lässt sich nicht öffnen",
		msgStartText: "Er ist beschädigt oder führt nicht zu Microsoft 365. Es wurde nichts geöffnet. Bitten Sie die Person, die ihn " +
			"Ihnen geschickt hat, um einen neuen.",
		msgLinkTitle: "Dieser Link lässt sich nicht öffnen",
		msgLinkText: "Der Link ist beschädigt oder führt nicht zu Microsoft 365. Es wurde nichts geöffnet, und Sie wurden nicht " +
			"angemeldet. Wenn Ihnen jemand diesen Link geschickt hat, bitten Sie um einen neuen oder melden Sie ihn Ihrem IT-Support.",
		msgLinkHost: "Er führt zu:",
		msgLinkGo:   "Weiter zu Microsoft 365",

		msgQuote:     "Wenn Sie um Hilfe bitten, nennen Sie diese Nummer:",
		msgTryAgain:  "Noch einmal versuchen",
		msgStartOver: "Neu beginnen",

		msgSignInTitle:       "Anmelden",
		msgSignInHeading:     "Melden Sie sich an, um mit Microsoft 365 fortzufahren",
		msgSignInUsername:    "Benutzername",
		msgSignInPassword:    "Kennwort",
		msgSignInSubmit:      "Anmelden",
		msgSignInCancel:      "Nicht anmelden",
		msgSignInWrong:       "Der Benutzername oder das Kennwort stimmt nicht.",
		msgSignInIncomplete:  "Bitte füllen Sie beide Felder aus.",
		msgSignInExpired:     "Ihr Kennwort ist abgelaufen oder muss geändert werden. Bitte ändern Sie es zuerst, und melden Sie sich dann hier an.",
		msgSignInTooOften:    "Es gab zu viele Versuche. Bitte warten Sie einige Minuten.",
		msgSignInUnavailable: "Ihr Kennwort kann gerade nicht geprüft werden. Bitte versuchen Sie es in einigen Minuten noch einmal.",

		msgResponseTitle:    "Sie werden zu Microsoft 365 weitergeleitet",
		msgResponseText:     "Das dauert nur einen Augenblick. Wenn nichts geschieht, wählen Sie „Weiter“.",
		msgResponseContinue: "Weiter",

		msgSignedOutTitle:     "Sie sind abgemeldet",
		msgSignedOutText:      "Die Sitzung dieses Browsers ist hier beendet. Bei Microsoft 365 sind Sie möglicherweise noch angemeldet.",
		msgSignedOutMicrosoft: "Auch bei Microsoft 365 abmelden",
		msgSignedOutAgain:     "Wieder anmelden",
		msgSignOutFailedTitle: "Sie sind vielleicht noch angemeldet",
		msgSignOutFailedText:  "Beim Abmelden ist etwas schiefgegangen. Bitte versuchen Sie es noch einmal, oder schließen Sie Ihren Browser.",
	}}
}
