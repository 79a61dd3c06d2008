package provision

// errand is what a run is for. Runs of the same errand for the same person are one.
type errand struct {
	kind    errandKind
	leaving Leaving // of a person who leaves
}

type errandKind int

const (
	ensuring errandKind = iota
	retiring
	restoring
)

func (k errandKind) String() string {
	return [...]string{"ensure", "retire", "restore"}[k]
}

// steps are the steps of a run.
func (e errand) steps(r *run) []step {
	switch e.kind {
	case retiring:
		return r.stepsOut()
	case restoring:
		return r.stepsBack()
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
	}
	return "person not provisioned"
}
