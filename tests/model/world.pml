/* SPDX-License-Identifier: GPL-2.0 */
/* The world around model.pml: failures, device-mapper and its tables, attachments. */

/* The rest of kill_dax(), after its notification */
inline synchronize_dax_srcu() { w = dax_srcu; !(dax_srcu & w); w = 0 }

proctype memory_failure() { WALK; notify_failure(0, PMEM0) }

proctype unbind(byte child)
{
	WALK; byte w;
	notify_failure(1, child);
	d_step { dead[child] = 1; changed() }
	synchronize_dax_srcu()
}

/* The constructors of a table's targets; dax_holder_claim() */
inline ctr(t, disk_, reg, a, b)
{
	t = (disk_ == MID -> 1 : 4);
	do :: tab[t].used || tab[t].state != FREE -> t++ :: else -> break od;
	tab[t].used = 1; tab[t].to[0] = a; tab[t].to[1] = b;
	printf("disk %d: table %d, registered %d: %d, %d\n", disk_, t, reg, a, b);
	if
	:: reg -> device_get(tab[t].parent, disk_);
		device_get(tab[t].child[0], disk_at(a)); device_get(tab[t].child[1], disk_at(b));
		tab[t].registered = 1; tab[t].state = LISTED;
		device_add()
	:: else
	fi
}

/* dax_holder_release() */
inline dtr(t)
{
	if
	:: tab[t].registered -> printf("release claim %d\n", t);
		call_srcu(tab[t]);
		device_put(tab[t].parent); device_put(tab[t].child[0]); device_put(tab[t].child[1])
	:: else
	fi;
	tab[t].used = 0; tab[t].registered = 0; tab[t].to[0] = 0; tab[t].to[1] = 0; t = 0
}

inline choose(disk, a, b)
{
	if
	:: disk == MID -> a = PMEM0; b = PMEM1
	:: disk == MID -> a = PMEM1; b = PMEM0
	:: disk == TOP -> a = PMEM0; b = PMEM1
	:: disk == TOP -> a = MID0; b = MID1
	fi
}

proctype dmsetup(byte disk)
{
	byte t, old, a, b, w; bit reg;
	do
	:: atomic { changes && failures && !removed[disk] -> changes--;	/* load */
			choose(disk, a, b);
			if :: reg = 1 :: reg = 0 :: a = 0; b = 0 fi;	/* or wipe */
			if
			:: !dead[a] && !dead[b] && !(removed[MID] && (a >= MID || b >= MID)) ->
				d_step { ctr(t, disk, reg, a, b); old = loaded[disk]; loaded[disk] = t }
			:: else
			fi;
			reg = 0; a = 0; b = 0; t = 0
		}
		d_step { dtr(old) }
	:: atomic { failures && !removed[disk] && !suspended[disk] && loaded[disk] ->
			suspended[disk] = 1 }
	:: atomic { !removed[disk] && (suspended[disk] || (failures && loaded[disk])) -> d_step {
			if	/* resume: dm_swap_table() */
			:: loaded[disk] -> t = live[disk]; live[disk] = loaded[disk]; loaded[disk] = 0;
				suspended[disk] = 1;
				printf("disk %d: table %d is live\n", disk, live[disk]);
				changed()
			:: else
			fi
		} }
		/* preresume: dax_holder_resume() */
		d_step { suspended[disk] = 0; printf("disk %d: resumed\n", disk); dtr(t) }
	:: atomic { changes && failures && !removed[disk] && !(disk == TOP && fs) &&
		    !(disk == MID && (on_mid(live[TOP]) || on_mid(loaded[TOP]))) -> d_step {
			changes--; removed[disk] = 1; suspended[disk] = 0;
			printf("disk %d: removed\n", disk);
			t = loaded[disk]; loaded[disk] = 0; dtr(t);
			t = live[disk]; live[disk] = 0; changed(); dtr(t)
		} }
		synchronize_dax_srcu()
	:: !suspended[disk] -> break
	od
}

inline attach(a, p, c)
{
	att[a].state == FREE && !removed[p] && !removed[c] && !dead[c] -> d_step {
		printf("attach disk %d to disk %d\n", p, c);
		device_get(att[a].parent, p); device_get(att[a].child, c); att[a].state = LISTED;
		device_add(); changed()
	}
}

inline detach(a)
{
	att[a].state == LISTED -> d_step {
		printf("detach disk %d\n", dev[att[a].parent].disk);
		call_srcu(att[a]); device_put(att[a].parent); device_put(att[a].child); changed()
	}
}

proctype orders()
{
	do
	:: atomic { changes && failures -> changes--;
			if
			:: attach(1, TOP, PMEM0)
			:: attach(1, TOP, MID)
			:: attach(2, MID, PMEM0)
			:: detach(1)
			:: detach(2)
			:: skip
			fi
		}
	:: break
	od
}

/* PAGES pages fail and GONE children go away, while there are CHANGES changes of all kinds. */
init {
	byte t, a, b; bit reg;
	atomic {
		if :: fs = 1 :: PAGES + GONE == 1 -> fs = 0 fi;
		printf("a filesystem on top: %d\n", fs);
		choose(TOP, a, b);
		if :: reg = 1 :: reg = 0 fi;
		if
		:: ctr(t, TOP, reg, a, b); live[TOP] = t; ctr(t, MID, 1, PMEM0, PMEM1); live[MID] = t
		:: ctr(t, MID, 1, PMEM0, PMEM1); live[MID] = t; ctr(t, TOP, reg, a, b); live[TOP] = t
		fi;
		if :: reg :: else -> attach(1, TOP, disk_at(a)) fi;
		t = 0; a = 0; b = 0; reg = 0;
		changes = CHANGES; failures = PAGES + GONE;
		if :: PAGES -> run memory_failure() :: else fi;
		if
		:: GONE == 2 -> run unbind(PMEM0); run unbind(PMEM1)
		:: GONE == 1 -> run unbind(PMEM0)
		:: GONE == 1 && CHANGES < 2 -> run unbind(PMEM1)
		:: GONE == 0
		fi;
		run dmsetup(MID); run dmsetup(TOP);
		if :: PAGES + GONE == 1 -> run orders() :: else fi
	}
}
