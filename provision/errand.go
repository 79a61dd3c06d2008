package provision

// errand is what a run is for. Runs of the same errand for the same person are one, unless they maintain
// (see [Provisioner.maintain]).
type errand struct {
	kind    errandKind
	leaving Leaving // of a person who leaves
	known   bool    // all that the host knows of the person is there, not only the key
}

type errandKind int

const (
	ensuring errandKind = iota
	retiring
	restoring
	swapping  // licences
	repairing // what a reconciliation found
)

func (k errandKind) String() string {
	return [...]string{"ensure", "retire", "restore", "swap-licenses", "repair"}[k]
}

// maintains reports whether each run of the errand is one of its own.
func (e errand) maintains() bool { return e.kind == swapping || e.kind == repairing }

// steps are the steps of a run.
func (e errand) steps(r *run) []step {
	switch e.kind {
	case retiring:
		return r.stepsOut()
	case restoring:
		return r.stepsBack()
	case swapping, repairing:
		return r.stepOfUpkeep()
	}
	return r.steps()
}

// first is the name of the first step.
func (e errand) first() string {
	switch e.kind {
	case retiring:
		return StepRetire
	case restoring:
		return StepKnown
	case swapping:
		return StepLicense
	case repairing:
		return StepReconcile
	}
	return StepSelect
}

// failure is what the log says of a run that failed.
func (e errand) failure() string {
	switch e.kind {
	case retiring:
		return "person not retired"
	case restoring:
		return "person not restored"
	case swapping:
		return "licences not swapped"
	case repairing:
		return "account not repaired"
	}
	return "person not provisioned"
}
