package recorder_test

import (
	"testing"

	"github.com/actprotocol/act-go/recorder"
	"github.com/actprotocol/act-go/recorder/recordertest"
)

// TestFileStoreContract: what was put stays, as it was, also after opening the
// store again (TSD-ATT-OFF-09, TSD-ATT-OFF-10).
func TestFileStoreContract(t *testing.T) {
	recordertest.RecordStore(t, func(t *testing.T) (recorder.RecordStore, func() recorder.RecordStore) {
		dir := t.TempDir()
		open := func() *recorder.FileStore {
			s, err := recorder.OpenFileStore(dir)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		s := open()
		t.Cleanup(func() { _ = s.Close() })
		return s, func() recorder.RecordStore {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = open()
			return s
		}
	})
}
