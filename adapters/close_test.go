package adapters_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/provision"
)

func TestCloseWaitsNoLongerThanItMay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(testTime))
		w := newWorld(t, func(c *adapters.Config) { c.Patience = time.Nanosecond })
		release := make(chan struct{})
		w.people = func(context.Context, provision.Person, func(provision.Event)) (provision.Account, error) {
			<-release // deaf to its context
			return account, nil
		}
		b := w.browser()
		b.get(b.request("", "state", testTime))
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		require.ErrorIs(t, w.bridge.Close(ctx), context.DeadlineExceeded)
		close(release)
		require.NoError(t, w.bridge.Close(context.Background()))
	})
}
