package federation

import "context"

// RevertSettings say what to go back to.
type RevertSettings struct {
	// Domain is the domain's name. Required.
	Domain string

	// Undo is the ID of the plan whose effect is to be undone: the domain becomes what it was before that plan. Empty: the
	// domain becomes a managed one.
	Undo string
}

// PlanRevert plans the way back: to a managed domain, or to the federation that there was before. Its findings say what it
// costs: who has no password at Entra, and that people may be unable to sign in for up to two hours.
//
// The errors are those of reading the tenant, and one that matches [ErrNotFound] for an Undo that is not in the store.
func (f *Federator) PlanRevert(ctx context.Context, s RevertSettings) (*Plan, error) {
	panic("contract")
}

// UndoRecords lists the ways back that are stored for a domain, the newest first.
func (f *Federator) UndoRecords(ctx context.Context, domain string) ([]Undo, error) {
	panic("contract")
}
