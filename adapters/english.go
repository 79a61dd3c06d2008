package adapters

// English is the Bridge's own English.
func English() Language {
	return Language{Tag: "en", Words: Catalogue{
		msgProgressTitle:   "Getting Microsoft 365 ready",
		msgProgressHeading: "Getting Microsoft 365 ready for you",
		msgProgressText: "This happens only the first time you sign in and can take up to a minute. You do not have to do " +
			"anything: the page goes on by itself.",
		msgProgressStuck:  "Nothing changes for a while?",
		msgProgressByHand: "Continue by hand",

		msgStepDoing:  "under way",
		msgStepDone:   "done",
		msgStepFailed: "failed",

		msgStepSelect:  "Checking who you are",
		msgStepKnown:   "Looking for your account",
		msgStepToken:   "Contacting the directory",
		msgStepReserve: "Choosing your sign-in name",
		msgStepCreate:  "Creating your account",
		msgStepManager: "Naming your manager",
		msgStepGroups:  "Adding you to your groups",
		msgStepLicense: "Assigning your licence",
		msgStepSettle:  "Waiting until your account is ready everywhere",

		msgWaitingTitle: "This takes longer than usual",
		msgWaitingText: "Your account is not ready yet. You do not have to do anything: this page keeps trying and goes on " +
			"by itself as soon as it can.",
		msgWaitingSeconds: "The next attempt begins in about {seconds} seconds.",
		msgWaitingMinutes: "The next attempt begins in about {minutes} minutes.",
		msgWaitingEnd: "Nothing is lost: what has been done so far is kept, and your next sign-in continues from there. If " +
			"you see this page again, please contact your administrator.",

		msgAccountTitle:     "Your account could not be set up",
		msgAccountBusy:      "The sign-in service is busy at the moment. Please try again in a few minutes.",
		msgAccountNotReady:  "Your account is not ready yet. Please try again in a few minutes.",
		msgAccountDetails:   "Your account cannot be set up with the details we have of you. Please contact your administrator.",
		msgAccountNoLicence: "There is no free place for your account at the moment. Please contact your administrator.",
		msgAccountNotAllowed: "You cannot use Microsoft 365 with this sign-in. Please contact your administrator if you think that this is " +
			"a mistake.",
		msgAccountRetired: "Your access has ended. Please contact your administrator if you think that this is a " +
			"mistake.",
		msgAccountOther: "Your account could not be set up. Please contact your administrator.",

		msgRequestTitle:   "This sign-in cannot be continued",
		msgRequestText:    "What arrived is not a sign-in that Microsoft 365 asked for. Nothing happened to your account.",
		msgDirectTitle:    "Start at Microsoft 365",
		msgDirectText:     "This page is where Microsoft 365 sends you to sign in. It cannot be opened by itself.",
		msgExpiredTitle:   "This sign-in took too long",
		msgExpiredText:    "A sign-in must be finished within a few minutes. Please start again.",
		msgOverTitle:      "This sign-in is over",
		msgOverText:       "It was finished already, or it was begun too long ago or in another browser. Please start again. If this page comes back, your browser may be blocking cookies.",
		msgCancelledTitle: "You cancelled the sign-in",
		msgCancelledText:  "You were not signed in to Microsoft 365.",
		msgDeniedTitle:    "You cannot sign in to Microsoft 365 here",
		msgDeniedText:     "This account is not allowed to. If you think it should be, ask your administrator.",
		msgUnknownTitle:   "You could not be signed in",
		msgUnknownText:    "Something went wrong while finding out who you are. Please try again.",
		msgRefusedTitle:   "Microsoft 365 would not accept your account",
		msgRefusedText:    "The details we have of you do not fit what Microsoft 365 needs. Please contact your administrator.",
		msgInternalTitle:  "Something went wrong here",
		msgInternalText:   "It is not your fault. Please try again in a few minutes.",
		msgNotFoundTitle:  "This page does not exist",
		msgNotFoundText:   "The address may be mistyped, or the link may be old.",
		msgDomainTitle:    "There is no such domain here",
		msgDomainText:     "Add the federated domain to the address: ?domain=contoso.com",

		msgStartTitle: "This link cannot be opened",
		msgStartText:  "It is damaged, or it does not lead to Microsoft 365. Nothing was opened. Ask whoever sent it for a new one.",
		msgLinkTitle:  "This link cannot be opened",
		msgLinkText: "The link is damaged, or it does not lead to Microsoft 365. Nothing was opened and you were not " +
			"signed in. If somebody sent you this link, ask them for a new one or tell your IT support.",
		msgLinkHost: "It leads to:",
		msgLinkGo:   "Continue to Microsoft 365",

		msgQuote:     "If you ask for help, quote this number:",
		msgTryAgain:  "Try again",
		msgStartOver: "Start again",

		msgSignInTitle:       "Sign in",
		msgSignInHeading:     "Sign in to go on to Microsoft 365",
		msgSignInUsername:    "User name",
		msgSignInPassword:    "Password",
		msgSignInSubmit:      "Sign in",
		msgSignInCancel:      "Do not sign in",
		msgSignInWrong:       "The user name or the password is not right.",
		msgSignInIncomplete:  "Please fill in both fields.",
		msgSignInExpired:     "Your password has expired or must be changed. Please change it first, then sign in here.",
		msgSignInTooOften:    "There were too many attempts. Please wait a few minutes.",
		msgSignInUnavailable: "Your password cannot be checked at the moment. Please try again in a few minutes.",

		msgResponseTitle:    "Taking you to Microsoft 365",
		msgResponseText:     "This takes only a moment. If nothing happens, choose Continue.",
		msgResponseContinue: "Continue",

		msgSignedOutTitle:     "You are signed out",
		msgSignedOutText:      "The session of this browser has ended here. Microsoft 365 may still be signed in.",
		msgSignedOutMicrosoft: "Sign out of Microsoft 365 as well",
		msgSignedOutAgain:     "Sign in again",
		msgSignOutFailedTitle: "You may still be signed in",
		msgSignOutFailedText:  "Something went wrong while signing you out. Please try again, or close your browser.",
	}}
}
