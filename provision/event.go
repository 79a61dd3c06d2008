package provision

import "time"

// The names of the pipeline's steps, in their order. The host's own steps run between license and settle, or where a
// [PlacedStep] says. Manager and groups are no steps of a run that needs neither.
const (
	StepSelect  = "select"  // is the person's account ours to make?
	StepKnown   = "known"   // was the person ready before?
	StepToken   = "token"   // will the directory have us?
	StepReserve = "reserve" // choose the identity and remember it
	StepCreate  = "create"  // find the account, or create it
	StepManager = "manager" // name the manager
	StepGroups  = "groups"  // join the groups
	StepLicense = "license" // give the seats
	StepSettle  = "settle"  // wait until every replica knows the account
)

// The names of the steps of [Provisioner.Retire], in their order. The step "token" comes after the first.
const (
	StepRetire    = "retire"    // remember that the person has left
	StepBlock     = "block"     // block the account, and end its sessions
	StepUnlicense = "unlicense" // take back the groups and the seats
	StepDelete    = "delete"    // move the account to the deleted users
	StepPurge     = "purge"     // delete it for good
)

// The names of the steps of [Provisioner.Restore] that no other run has. The steps "known" and "token" come before them.
const (
	StepRestore = "restore" // bring a deleted account back
	StepEnable  = "enable"  // let it sign in again, and forget that the person had left
)

// Event is one thing that happened while a person was provisioned. Events hold nothing that the person at the browser
// must not see.
type Event struct {
	Step    string        // one of the Step… constants, or the name of one of the host's own steps
	State   State         // where the step has come to
	At      time.Time     // by Config.Now
	Elapsed time.Duration // since the run started, which may be before the caller joined it
	Attempt int           // how many attempts came to nothing so far; only when State is Waiting
	Wait    time.Duration // how long until the next attempt; only when State is Waiting
	Reason  Reason        // why it waits or failed; empty when it waits for nothing but time
	Message string        // the step in plain English for the person: "Creating your account"; or the step's name
}

// State is where a step has come to.
type State string

// A step starts, waits any number of times, and ends in one of the other three. A run that stops early tells nothing of
// the steps it did not reach.
const (
	Started State = "started"
	Waiting State = "waiting"
	Done    State = "done"
	Skipped State = "skipped" // there was nothing to do
	Failed  State = "failed"  // the last event of a run
)

// stepMessage says for the person what a step does.
func stepMessage(step string) string {
	switch step {
	case StepSelect:
		return "Checking who you are"
	case StepKnown:
		return "Looking for your account"
	case StepToken:
		return "Contacting the directory"
	case StepReserve:
		return "Choosing your sign-in name"
	case StepCreate:
		return "Creating your account"
	case StepManager:
		return "Naming your manager"
	case StepGroups:
		return "Adding you to your groups"
	case StepLicense:
		return "Assigning your licence"
	case StepSettle:
		return "Waiting until your account is ready everywhere"
	case StepRetire:
		return "Ending the person's access"
	case StepBlock:
		return "Blocking the account and ending its sessions"
	case StepUnlicense:
		return "Taking back groups and licences"
	case StepDelete:
		return "Deleting the account"
	case StepPurge:
		return "Deleting the account for good"
	case StepRestore:
		return "Bringing the account back"
	case StepEnable:
		return "Enabling the account"
	}
	return step
}
