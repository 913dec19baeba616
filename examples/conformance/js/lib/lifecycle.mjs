// The issuer's book of one mandate (SPEC.md 4.5), as a table of moves.

import { need } from './refusal.mjs'

// Who may do what from which state. A suspension remembers who made it.
const MOVES = {
  suspend: {
    Pending: ['principal', 'risk-control'],
    Active: ['principal', 'risk-control'],
    'Suspended by principal': ['risk-control'],
  },
  resume: {
    'Suspended by principal': ['principal', 'risk-control'],
    'Suspended by risk-control': ['risk-control'],
  },
  revoke: {
    Pending: ['principal', 'agent'],
    Active: ['principal', 'agent'],
    'Suspended by principal': ['principal', 'agent'],
    'Suspended by risk-control': ['principal', 'agent'],
  },
}

export class Book {
  constructor(start, end) {
    need(start < end, 'field_invalid')
    this.start = start
    this.end = end
    this.revoked = false
    this.suspendedBy = undefined
  }

  state(now) {
    if (this.revoked) return 'Revoked'
    if (now >= this.end) return 'Expired'
    if (this.suspendedBy) return 'Suspended'
    return now < this.start ? 'Pending' : 'Active'
  }

  // status is the entry of the list, which the end of the window leaves alone.
  status() {
    if (this.revoked) return 1
    return this.suspendedBy ? 2 : 0
  }

  carryOut(command, actor, now) {
    need(Object.hasOwn(MOVES, command), 'field_invalid')
    const state = this.state(now)
    const actors = MOVES[command][state === 'Suspended' ? `Suspended by ${this.suspendedBy}` : state]
    need(actors, 'state_conflict')
    // The principal cannot suspend again what it suspended itself.
    const again = command === 'suspend' && state === 'Suspended' && actor === this.suspendedBy
    need(!again, 'state_conflict')
    need(actors.includes(actor), 'actor_refused')
    if (command === 'revoke') this.revoked = true
    this.suspendedBy = command === 'suspend' ? actor : undefined
  }
}
