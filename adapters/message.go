package adapters

// Message is the key of one text of the Bridge's pages, such as "progress.title". [Messages] lists all of them, and
// [Message.English] says what they mean.
//
// The key of a pipeline step's text is "step." with the step's name. A catalogue may also have keys of that form for the
// host's own steps; without one, such a step is shown with the message of its events.
//
// The key "refusal." with the Message of a [provision.ConnectionRule] is shown to whom that rule refuses, in place of
// "account.not-allowed".
type Message string

// The keys, in the order of the pages.
const (
	msgProgressTitle   Message = "progress.title" // also the name of the bar, for a screen reader
	msgProgressHeading Message = "progress.heading"
	msgProgressText    Message = "progress.text"
	msgProgressStuck   Message = "progress.stuck"
	msgProgressByHand  Message = "progress.by-hand" // a link

	msgStepDoing  Message = "state.doing" // of a step, for a screen reader
	msgStepDone   Message = "state.done"
	msgStepFailed Message = "state.failed"

	msgStepSelect  Message = "step.select" // provision.StepSelect, and so on
	msgStepKnown   Message = "step.known"
	msgStepToken   Message = "step.token"
	msgStepReserve Message = "step.reserve"
	msgStepCreate  Message = "step.create"
	msgStepManager Message = "step.manager"
	msgStepGroups  Message = "step.groups"
	msgStepLicense Message = "step.license"
	msgStepSettle  Message = "step.settle"

	msgWaitingTitle   Message = "waiting.title" // the provisioning outlasts its budget
	msgWaitingText    Message = "waiting.text"
	msgWaitingSeconds Message = "waiting.seconds" // with {seconds}
	msgWaitingMinutes Message = "waiting.minutes" // with {minutes}, which are two or more
	msgWaitingEnd     Message = "waiting.end"     // it does not go on by itself any more

	msgAccountTitle      Message = "account.title" // the provisioning failed, and in the next ones why
	msgAccountBusy       Message = "account.busy"
	msgAccountNotReady   Message = "account.not-ready"
	msgAccountDetails    Message = "account.details"
	msgAccountNoLicence  Message = "account.no-licence"
	msgAccountRetired    Message = "account.retired"
	msgAccountNotAllowed Message = "account.not-allowed" // the rules refuse the person
	msgAccountOther      Message = "account.other"

	msgRequestTitle   Message = "request.title" // what came is no request of Entra's
	msgRequestText    Message = "request.text"
	msgDirectTitle    Message = "direct.title" // nothing came: the address was opened by itself
	msgDirectText     Message = "direct.text"
	msgExpiredTitle   Message = "expired.title" // the request is too old
	msgExpiredText    Message = "expired.text"
	msgOverTitle      Message = "over.title" // the sign-in is not, or no longer, this browser's
	msgOverText       Message = "over.text"
	msgCancelledTitle Message = "cancelled.title"
	msgCancelledText  Message = "cancelled.text"
	msgDeniedTitle    Message = "denied.title"
	msgDeniedText     Message = "denied.text"
	msgUnknownTitle   Message = "unknown.title" // the host could not say who is there
	msgUnknownText    Message = "unknown.text"
	msgRefusedTitle   Message = "refused.title" // Entra would refuse the account
	msgRefusedText    Message = "refused.text"
	msgInternalTitle  Message = "internal.title"
	msgInternalText   Message = "internal.text"
	msgNotFoundTitle  Message = "not-found.title"
	msgNotFoundText   Message = "not-found.text"
	msgDomainTitle    Message = "domain.title" // metadata of a domain that is not served; for operators
	msgDomainText     Message = "domain.text"

	msgStartTitle Message = "start.title" // a start link that leads elsewhere
	msgStartText  Message = "start.text"
	msgLinkTitle  Message = "link.title" // a smart link that leads elsewhere
	msgLinkText   Message = "link.text"
	msgLinkHost   Message = "link.host" // stands before the host that it leads to
	msgLinkGo     Message = "link.go"   // a link

	msgQuote     Message = "failure.quote" // stands before the number
	msgTryAgain  Message = "failure.try-again"
	msgStartOver Message = "failure.start-again"

	msgSignInTitle       Message = "sign-in.title"
	msgSignInHeading     Message = "sign-in.heading"
	msgSignInUsername    Message = "sign-in.username"
	msgSignInPassword    Message = "sign-in.password"
	msgSignInSubmit      Message = "sign-in.submit"
	msgSignInCancel      Message = "sign-in.cancel"
	msgSignInWrong       Message = "sign-in.wrong"
	msgSignInIncomplete  Message = "sign-in.incomplete"
	msgSignInExpired     Message = "sign-in.expired"
	msgSignInTooOften    Message = "sign-in.too-often"
	msgSignInUnavailable Message = "sign-in.unavailable"

	msgResponseTitle    Message = "response.title" // the answer is on its way to Entra
	msgResponseText     Message = "response.text"
	msgResponseContinue Message = "response.continue" // a button

	msgSignedOutTitle     Message = "signed-out.title"
	msgSignedOutText      Message = "signed-out.text"
	msgSignedOutMicrosoft Message = "signed-out.microsoft" // a link
	msgSignedOutAgain     Message = "signed-out.again"     // a link
	msgSignOutFailedTitle Message = "sign-out-failed.title"
	msgSignOutFailedText  Message = "sign-out-failed.text"
)

// How the keys begin that a host may add: of its own steps, and of the rules that refuse people.
const (
	stepPrefix    = "step."
	refusalPrefix = "refusal."
)

// Messages lists the keys that a complete catalogue has, sorted.
func Messages() []Message { return English().Words.keys() }

// English is the message's text in English, or "" if there is no such message.
func (m Message) English() string { return English().Words[m] }
