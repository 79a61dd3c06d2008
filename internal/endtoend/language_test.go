package endtoend_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/provision"
)

// The English of the pipeline and that of the pages are the same, so that an operator recognises what a person reports.
func TestThePagesSayWhatThePipelineSays(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	people := c.pipeline
	steps := map[string]string{}
	_, err := people.EnsureWithProgress(t.Context(), c.person.Person, func(e provision.Event) { steps[e.Step] = e.Message })
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(steps), 6)
	for step, message := range steps {
		require.Equal(t, message, adapters.Message("step."+step).English())
	}
	for _, step := range []string{
		provision.StepSelect, provision.StepKnown, provision.StepToken, provision.StepReserve, provision.StepCreate,
		provision.StepManager, provision.StepGroups, provision.StepLicense, provision.StepSettle,
	} {
		require.NotEmpty(t, adapters.Message("step."+step).English(), step)
	}
}
