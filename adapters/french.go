package adapters

// French is the Bridge's own French. It addresses people as "vous".
func French() Language {
	return Language{Tag: "fr", Words: Catalogue{
		msgProgressTitle:   "Préparation de Microsoft 365",
		msgProgressHeading: "Nous préparons Microsoft 365 pour vous",
		msgProgressText: "Cela n’a lieu qu’à votre première connexion et peut prendre jusqu’à une minute. Vous n’avez rien à " +
			"faire : la suite s’affichera d’elle-même.",
		msgProgressStuck:  "Rien ne bouge depuis un moment ?",
		msgProgressByHand: "Continuer manuellement",

		msgStepDoing:  "en cours",
		msgStepDone:   "terminé",
		msgStepFailed: "échec",

		msgStepSelect:  "Vérification de votre identité",
		msgStepKnown:   "Recherche de votre compte",
		msgStepToken:   "Connexion à l’annuaire",
		msgStepReserve: "Choix de votre nom d’utilisateur",
		msgStepCreate:  "Création de votre compte",
		msgStepManager: "Enregistrement de votre responsable",
		msgStepGroups:  "Ajout à vos groupes",
		msgStepLicense: "Attribution de votre licence",
		msgStepSettle:  "Attente que votre compte soit prêt partout",

		msgWaitingTitle: "L’opération est plus longue que d’habitude",
		msgWaitingText: "Votre compte n’est pas encore prêt. Vous n’avez rien à faire : cette page réessaie et continuera " +
			"d’elle-même dès que possible.",
		msgWaitingSeconds: "Prochaine tentative dans environ {seconds} secondes.",
		msgWaitingMinutes: "Prochaine tentative dans environ {minutes} minutes.",
		msgWaitingEnd: "Rien n’est perdu : ce qui a déjà été fait est conservé, et votre prochaine connexion reprendra à cet " +
			"endroit. Si cette page s’affiche de nouveau, veuillez contacter votre administrateur.",

		msgAccountTitle:     "Votre compte n’a pas pu être configuré",
		msgAccountBusy:      "Le service de connexion est très sollicité en ce moment. Veuillez réessayer dans quelques minutes.",
		msgAccountNotReady:  "Votre compte n’est pas encore prêt. Veuillez réessayer dans quelques minutes.",
		msgAccountDetails:   "Les informations dont nous disposons à votre sujet ne permettent pas de configurer votre compte. Veuillez contacter votre administrateur.",
		msgAccountNoLicence: "Aucune place n’est libre pour votre compte en ce moment. Veuillez contacter votre administrateur.",
		msgAccountNotAllowed: "Cette connexion ne vous donne pas accès à Microsoft 365. Si vous pensez qu’il s’agit d’une erreur, veuillez " +
			"contacter votre administrateur.",
		msgAccountRetired: "Votre accès a pris fin. Si vous pensez qu’il s’agit d’une erreur, veuillez contacter votre administrateur.",
		msgAccountOther:   "Votre compte n’a pas pu être configuré. Veuillez contacter votre administrateur.",

		msgRequestTitle:   "Cette connexion ne peut pas continuer",
		msgRequestText:    "La demande reçue n’est pas une connexion demandée par Microsoft 365. Rien n’a changé sur votre compte.",
		msgDirectTitle:    "Commencez par Microsoft 365",
		msgDirectText:     "Microsoft 365 vous dirige vers cette page pour vous connecter. Elle ne peut pas être ouverte directement.",
		msgExpiredTitle:   "Cette connexion a pris trop de temps",
		msgExpiredText:    "Une connexion doit être terminée en quelques minutes. Veuillez recommencer.",
		msgOverTitle:      "Cette connexion est terminée",
		msgOverText:       "Elle a déjà abouti, ou elle a été commencée il y a trop longtemps ou dans un autre navigateur. Veuillez recommencer. Si cette page réapparaît, votre navigateur bloque peut-être les cookies.",
		msgCancelledTitle: "Vous avez annulé la connexion",
		msgCancelledText:  "Aucune connexion à Microsoft 365 n’a eu lieu.",
		msgDeniedTitle:    "Vous ne pouvez pas vous connecter à Microsoft 365 ici",
		msgDeniedText:     "Ce compte n’y est pas autorisé. Si vous pensez qu’il devrait l’être, contactez votre administrateur.",
		msgUnknownTitle:   "La connexion n’a pas abouti",
		msgUnknownText:    "Un problème est survenu lors de la vérification de votre identité. Veuillez réessayer.",
		msgRefusedTitle:   "Microsoft 365 n’accepterait pas votre compte",
		msgRefusedText:    "Les informations dont nous disposons à votre sujet ne correspondent pas à ce que Microsoft 365 exige. Veuillez contacter votre administrateur.",
		msgInternalTitle:  "Un problème est survenu ici",
		msgInternalText:   "Vous n’y êtes pour rien. Veuillez réessayer dans quelques minutes.",
		msgNotFoundTitle:  "Cette page n’existe pas",
		msgNotFoundText:   "L’adresse contient peut-être une faute de frappe, ou le lien est ancien.",
		msgDomainTitle:    "Ce domaine n’existe pas ici",
		msgDomainText:     "Ajoutez le domaine fédéré à l’adresse : ?domain=contoso.com",

		msgStartTitle: "Ce lien ne peut pas être ouvert",
		msgStartText:  "Il est endommagé ou ne mène pas à Microsoft 365. Rien n’a été ouvert. Demandez-en un nouveau à la personne qui vous l’a envoyé.",
		msgLinkTitle:  "Ce lien ne peut pas être ouvert",
		msgLinkText: "Le lien est endommagé ou ne mène pas à Microsoft 365. Rien n’a été ouvert et aucune connexion n’a eu lieu. Si " +
			"quelqu’un vous a envoyé ce lien, demandez-lui-en un nouveau ou prévenez votre support informatique.",
		msgLinkHost: "Il mène à :",
		msgLinkGo:   "Continuer vers Microsoft 365",

		msgQuote:     "Si vous demandez de l’aide, indiquez ce numéro :",
		msgTryAgain:  "Réessayer",
		msgStartOver: "Recommencer",

		msgSignInTitle:       "Connexion",
		msgSignInHeading:     "Connectez-vous pour accéder à Microsoft 365",
		msgSignInUsername:    "Nom d’utilisateur",
		msgSignInPassword:    "Mot de passe",
		msgSignInSubmit:      "Se connecter",
		msgSignInCancel:      "Ne pas se connecter",
		msgSignInWrong:       "Le nom d’utilisateur ou le mot de passe est incorrect.",
		msgSignInIncomplete:  "Veuillez remplir les deux champs.",
		msgSignInExpired:     "Votre mot de passe a expiré ou doit être changé. Veuillez d’abord le changer, puis vous connecter ici.",
		msgSignInTooOften:    "Il y a eu trop de tentatives. Veuillez patienter quelques minutes.",
		msgSignInUnavailable: "Votre mot de passe ne peut pas être vérifié pour le moment. Veuillez réessayer dans quelques minutes.",

		msgResponseTitle:    "Redirection vers Microsoft 365",
		msgResponseText:     "Cela ne prend qu’un instant. Si rien ne se passe, choisissez « Continuer ».",
		msgResponseContinue: "Continuer",

		msgSignedOutTitle:     "Votre session est fermée",
		msgSignedOutText:      "La session de ce navigateur est terminée ici. Votre session Microsoft 365 est peut-être encore ouverte.",
		msgSignedOutMicrosoft: "Se déconnecter aussi de Microsoft 365",
		msgSignedOutAgain:     "Se reconnecter",
		msgSignOutFailedTitle: "Votre session est peut-être encore ouverte",
		msgSignOutFailedText:  "Un problème est survenu lors de la déconnexion. Veuillez réessayer ou fermer votre navigateur.",
	}}
}
