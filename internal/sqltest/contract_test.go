package sqltest

import (
	"testing"

	"github.com/entrafed/entrafed/provision"
	"github.com/entrafed/entrafed/provision/sqlstore"
	"github.com/entrafed/entrafed/provision/storetest"
)

func TestTheStoreKeepsTheContract(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds() {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, func(t *testing.T) provision.Store { return kind.place(t).store(t) })
			storetest.RunLeaser(t, func(t *testing.T) provision.Leaser { return kind.place(t).store(t) })
			storetest.RunIndex(t, func(t *testing.T) storetest.IndexedStore { return kind.place(t).store(t) })
			storetest.RunCursors(t, func(t *testing.T) provision.Cursors { return kind.place(t).store(t) })
		})
	}
}

func TestStoresThatShareADatabaseKeepTheContractTogether(t *testing.T) {
	t.Parallel()
	for _, kind := range shared() {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			together := func(t *testing.T) *spread {
				p := kind.place(t)
				return &spread{stores: []*sqlstore.Store{p.store(t), p.store(t), p.store(t)}}
			}
			storetest.Run(t, func(t *testing.T) provision.Store { return together(t) })
			storetest.RunLeaser(t, func(t *testing.T) provision.Leaser { return together(t) })
			storetest.RunIndex(t, func(t *testing.T) storetest.IndexedStore { return together(t) })
			storetest.RunCursors(t, func(t *testing.T) provision.Cursors { return together(t) })
		})
	}
}
