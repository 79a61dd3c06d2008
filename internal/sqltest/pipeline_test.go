package sqltest

import (
	"context"
	"errors"
	"fmt"
	"net/rpc"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
	"github.com/entrafed/entrafed/provision/sqlstore"
)

// signingIn is how many people sign in at two replicas at once.
const signingIn = 5

// arrival is what a worker tells of a person who is ready.
type arrival struct {
	Person  string
	Account provision.Account
}

// provisionEverybody signs in everybody at once.
func provisionEverybody(ctx context.Context, j job, store *sqlstore.Store, tell func(any)) error {
	connection, err := rpc.Dial("tcp", j.Directory)
	if err != nil {
		return err
	}
	defer connection.Close()
	provisioner, err := provision.New(provision.Config{
		Directory: client{connection},
		Store:     store,
		Rules:     provision.Rules{Domain: "contoso.com", UsageLocation: "DE"},
		Settle:    provision.Settle{Dwell: -1, Interval: time.Millisecond},
		Sleep:     sleepBriefly,
	})
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	var failures error
	for i := range j.Rounds {
		all.Go(func() {
			account, err := signIn(ctx, provisioner, connection, fmt.Sprint(i))
			mu.Lock()
			defer mu.Unlock()
			failures = errors.Join(failures, err)
			tell(arrival{fmt.Sprint(i), account})
		})
	}
	all.Wait()
	return failures
}

// signIn provisions one person and tells the tenant when another process is at work for the same one. All people would
// like the same UPN.
func signIn(
	ctx context.Context, provisioner *provision.Provisioner, tenant *rpc.Client, id string,
) (provision.Account, error) {
	who := provision.Person{Connection: "google", ID: id, Email: "sam@example.net"}
	var failures error
	account, err := provisioner.EnsureWithProgress(ctx, who, func(e provision.Event) {
		if e.State == provision.Waiting && e.Reason == provision.ReasonBusy {
			failures = errors.Join(failures, tenant.Call("Tenant.Waits", immutableID(id), new(bool)))
		}
	})
	return account, errors.Join(err, failures)
}

func immutableID(id string) string { return provision.ImmutableIDFromSubject("google", id) }

// sleepBriefly makes a test short: nothing is lost by looking more often.
func sleepBriefly(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(min(d, 20*time.Millisecond)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestTwoReplicasCreateEachPersonOnce(t *testing.T) {
	t.Parallel()
	onEvery(t, shared(), func(t *testing.T, p place) {
		dir := newTenant()
		dir.before = func(id string) { // both replicas are at it
			select {
			case <-dir.someoneWaits(id):
			case <-time.After(time.Minute):
				t.Errorf("nobody waits for the creation of %s", id)
			}
		}
		j := job{Task: "provision", Place: p, Rounds: signingIn, Directory: dir.serve(t)}
		replicas := []*process{start(t, j), start(t, j)}
		accounts := map[string]provision.Account{}
		for _, replica := range replicas {
			arrivals, err := rest[arrival](replica)
			require.NoError(t, err)
			require.Len(t, arrivals, signingIn)
			for _, a := range arrivals {
				if first, ok := accounts[a.Person]; ok {
					require.Equal(t, first, a.Account, "both replicas say the same")
				}
				accounts[a.Person] = a.Account
			}
		}
		dir.mu.Lock()
		defer dir.mu.Unlock()
		require.Len(t, dir.users, signingIn)
		for id, account := range accounts {
			require.Equal(t, immutableID(id), account.ImmutableID)
			require.Equal(t, 1, dir.creating[account.ImmutableID], "one CreateUser per person")
		}
	})
}

func TestAReplicaThatIsKilledWhileItCreatesIsContinuedByAnother(t *testing.T) {
	t.Parallel()
	for name, hangs := range map[string]func(dir *tenant, hang func(string)){
		"before the account exists": func(dir *tenant, hang func(string)) { dir.before = hang },
		"after":                     func(dir *tenant, hang func(string)) { dir.after = hang },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEvery(t, shared(), func(t *testing.T, p place) { killAndContinue(t, p, hangs) })
		})
	}
}

func killAndContinue(t *testing.T, p place, hangs func(dir *tenant, hang func(string))) {
	dir := newTenant()
	creating, over := make(chan struct{}), make(chan struct{})
	defer close(over)
	var hung atomic.Bool
	hangs(dir, func(string) {
		if !hung.Swap(true) { // the first creation is never answered
			close(creating)
			<-over
		}
	})
	j := job{Task: "provision", Place: p, Rounds: 1, Directory: dir.serve(t)}
	first := start(t, j)
	<-creating
	first.kill(t)
	_, err := rest[arrival](first)
	require.Error(t, err)
	reserved, err := p.store(t).Load(t.Context(), person("0").Key)
	require.NoError(t, err)
	require.True(t, reserved.CreatedAt.IsZero())

	j.Ahead = time.Minute // by whose clock the lease of the dead one has expired
	arrivals, err := rest[arrival](start(t, j))
	require.NoError(t, err)
	require.Len(t, arrivals, 1)
	require.Equal(t, reserved.ImmutableID, arrivals[0].Account.ImmutableID)
	require.Equal(t, reserved.UPN, arrivals[0].Account.UPN)
	dir.mu.Lock()
	defer dir.mu.Unlock()
	require.Len(t, dir.users, 1)
	require.Equal(t, dir.users[0].ObjectID, arrivals[0].Account.ObjectID)
}
