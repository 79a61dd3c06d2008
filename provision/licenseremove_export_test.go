package provision

import "context"

// RemoveLicenses is removeLicenses for the tests: the run around it is that of people who leave.
func RemoveLicenses(ctx context.Context, p *Provisioner, key PersonKey) error {
	return p.maintain(ctx, key, swapping, (*run).removeLicenses)
}
