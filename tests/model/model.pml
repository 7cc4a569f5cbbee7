/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The protocol of dax_holder: failures while tables, attachments and devices come and go.
 * Documentation/design.rst names the function of the code for each step.
 *
 * There are two children of one page each; "mid", a mapped device above them; and "top", another
 * one, above them and above mid.  Both have two offsets.  What the code does under claims_mutex
 * is one step.
 */
#define PMEM0	1		/* disks; the page of a child has the child's number */
#define PMEM1	2
#define MID	3
#define TOP	4
#define MID0	3		/* what an offset of top may also map: an offset of mid */
#define MID1	4
#define NOWHERE	2		/* past the last offset */
#define is_mapped(disk)	((disk) >= MID)
#define disk_at(to)	((to) == MID1 -> MID : (to))
#define on_mid(t)	(tab[t].to[0] >= MID || tab[t].to[1] >= MID)

#define FREE	 0
#define LISTED	 1
#define UNLISTED 2		/* off its list, freed when no lane reads it */
#define NDEV	9		/* of each kind of object; number 0 is none */
#define NATT	3
#define NTAB	8
typedef device { byte state, readers, disk, visited[2] };
typedef attachment { byte state, readers, parent, child };
/* A table of device-mapper.  If registered it is also a claim, which is freed later. */
typedef table { byte state, readers, parent, child[2], to[2]; bit used, registered };
device dev[NDEV];
attachment att[NATT];
table tab[NTAB];
byte live[5], loaded[5];	/* by disk */
bit suspended[5], removed[5], dead[5];
bit fs;				/* a filesystem holds top */

/* By lane, 0 for pages and 1 for children that go */
bit mutex[2];
byte task[2], last_failure[2], additions[2];
byte dax_srcu, claims_srcu;	/* readers: a bit for each task, for each lane */

/* What must be notified: a bit for each offset of mid and of top */
byte failing[2];		/* the page */
byte must[2];			/* mapped it from the arrival on, registered or attached */
byte may[2];			/* mapped it at some time since the arrival */
byte changes, failures;		/* still to come */

#define bit_of(disk, o)	(1 << (2 * ((disk) - MID) + (o)))
#define to_of(disk, o)	tab[live[disk]].to[o]
/* dax_direct_access(): the page at an offset, 0 for none */
#define page_of(disk, o) (to_of(disk, o) < MID || (disk) == MID -> to_of(disk, o) : \
			  to_of(MID, to_of(disk, o) - MID))

/* Attachments and claims of a parent (0: any) on a child (0: any) */
#define is_att(a, d, c)	(att[a].state == LISTED && (!(d) || att[a].parent == (d)) && \
			 (!(c) || att[a].child == (c)))
#define is_claim(t, d, c) (tab[t].state == LISTED && (!(d) || tab[t].parent == (d)) && \
			   (!(c) || tab[t].child[0] == (c) || tab[t].child[1] == (c)))
#define edge(d, c)	(is_att(1, d, c) || is_att(2, d, c) || is_claim(1, d, c) || \
			 is_claim(2, d, c) || is_claim(3, d, c) || is_claim(4, d, c) || \
			 is_claim(5, d, c) || is_claim(6, d, c) || is_claim(7, d, c))
#define held(c)		edge(0, c)

#define is_origin(c)	(dev[c].disk == dev[origin].disk)
#define is_between(c)	is_mapped(dev[c].disk)
#define may_have_failed(c) (is_origin(c) || is_between(c))
#define has_window(t)	(is_claim(t, d[n], 0) && (is_origin(tab[t].child[o]) || \
			 is_between(tab[t].child[0]) || is_between(tab[t].child[1])))
#define attached	((is_att(1, d[n], 0) && may_have_failed(att[1].child)) || \
			 (is_att(2, d[n], 0) && may_have_failed(att[2].child)))

inline device_find(d, disk_)
{
	d = NDEV - 1;
	do :: d && !(dev[d].state == LISTED && dev[d].disk == disk_) -> d-- :: else -> break od
}

inline device_get(d, disk_)
{
	device_find(d, disk_);
	if
	:: d
	:: else -> d = (is_mapped(disk_) -> 5 : 1);
		do :: dev[d].state != FREE -> d++ :: else -> break od;
		dev[d].state = LISTED; dev[d].disk = disk_;
		dev[d].visited[0] = last_failure[0]; dev[d].visited[1] = last_failure[1]
	fi
}

/* Lane @l stops reading.  The last reader of an object frees it if it is off its list. */
inline unread(object, l)
{
	object.readers = object.readers & ~(1 << l);
	object.state = (object.state == UNLISTED && !object.readers -> FREE : object.state)
}

inline call_srcu(object)
{
	object.state = UNLISTED; object.readers = claims_srcu;
	unread(object, 2)
}

inline device_put(d)
{
	if :: dev[d].state == LISTED && !edge(d, 0) && !edge(0, d) -> call_srcu(dev[d]) :: else fi;
	d = 0
}

/* A lane sees only whether the count of additions moved: 1 while it reads, 2 if it did */
inline device_add()
{
	additions[0] = (additions[0] -> 2 : 0); additions[1] = (additions[1] -> 2 : 0)
}

/* Must the walk find what the disk maps?  Its live table is registered, or it is attached. */
#define finds(a, disk_, p) (is_att(a, 0, 0) && dev[att[a].parent].disk == (disk_) && \
			 (dev[att[a].child].disk == (p) || is_mapped(dev[att[a].child].disk)))
#define known(disk, p)	(tab[live[disk]].registered || finds(1, disk, p) || finds(2, disk, p))
#define maps(disk, o, p) (page_of(disk, o) == (p) && !dead[p] -> bit_of(disk, o) : 0)
#define mapped(disk, p)	(maps(disk, 0, p) | maps(disk, 1, p))
#define note(l)	must[l] = must[l] & ((known(MID, failing[l]) -> mapped(MID, failing[l]) : 0) | \
				     (known(TOP, failing[l]) -> mapped(TOP, failing[l]) : 0)); \
		may[l] = may[l] | mapped(MID, failing[l]) | mapped(TOP, failing[l])

/* After each change of what is mapped or attached */
inline changed()
{
	if :: failing[0] -> note(0) :: else fi;
	if :: failing[1] -> note(1) :: else fi
}

/* A page of @child_ fails or, with @gone, all of the child goes away; @gone is the lane, too. */
inline notify_failure(gone, child_)
{
	atomic {	/* the kernel, to the holder of the child's dax_device */
		d_step { device_find(origin, child_) }
		if
		:: origin && held(origin) -> dax_srcu = dax_srcu | (1 << _pid)
		:: else -> origin = 0; goto left
		fi
	}
	atomic {
		!mutex[gone];
		d_step {
			mutex[gone] = 1; task[gone] = _pid;
			claims_srcu = claims_srcu | (1 << gone);
			last_failure[gone]++;
			device_find(origin, child_);
			failing[gone] = child_; must[gone] = (origin -> 255 : 0);
			note(gone);
			printf("disk %d failed, gone %d: must %x\n", child_, gone, must[gone])
		}
	}
again:	do
	:: n == 0 || above[n] -> atomic {	/* notify_all(), notify_above(): visit the next one */
			d_step {
				assert(n == 0 || dev[d[n]].state != FREE);
				i = (origin -> 5 : NDEV);
				do
				:: i < NDEV && !(dev[i].state == LISTED &&
						 dev[i].visited[gone] != last_failure[gone] &&
						 (n == 0 || edge(i, d[n]))) -> i++
				:: else -> break
				od;
				go = (i < NDEV || n);
				if
				:: i < NDEV -> n++; d[n] = i;
					dev[i].visited[gone] = last_failure[gone];
					printf("visit disk %d, device %d\n", dev[d[n]].disk, d[n])
				:: else -> above[n] = 0
				fi;
				i = 0
			}
			if :: go -> go = 0 :: else -> break fi
		}
	:: n && !above[n] ->
		d_step {			/* next_window(): by claims */
			assert(dev[d[n]].state != FREE && dev[origin].state != FREE);
			additions[gone] = 1; o = at[n]; c = NTAB;
			do
			:: o == NOWHERE -> break
			:: else -> c = 1;
				do :: c < NTAB && !has_window(c) -> c++ :: else -> break od;
				if :: c < NTAB -> break :: else -> o++ fi
			od;
			c = c % NTAB
		}
		atomic {
			d_step {
				assert(!c || tab[c].state != FREE);
				o = (attached -> at[n] : o);
				if
				:: additions[gone] == 2	/* look again */
				:: else -> at[n] = o;	/* dxh_search_next() */
					if
					:: o < NOWHERE && page_of(dev[d[n]].disk, o) == child_ &&
					   !dead[child_] -> hit[n] = hit[n] | bit_of(dev[d[n]].disk, o)
					:: else
					fi;
					if		/* notify_pages(), notify_gone() */
					:: hit[n] && (!gone || o == NOWHERE) ->
						above[n] = held(d[n]); go = !above[n];
						printf("notify disk %d: %x\n", dev[d[n]].disk, hit[n]);
						assert(!(told & (gone -> 3 * bit_of(dev[d[n]].disk, 0) :
								 hit[n])));
						told = told | hit[n]; hit[n] = 0;
						at[n] = (o < NOWHERE -> o + 1 : o)
					:: !hit[n] && o == NOWHERE -> d[n] = 0; at[n] = 0; n--
					:: else -> at[n]++
					fi
				fi;
				c = 0; o = 0; additions[gone] = 0
			}
			if :: go -> go = 0 :: else -> goto again fi
		}
		if	/* dax_holder_notify_failure(): to dax_holder itself, or to XFS */
		:: held(d[n]) -> (task[0] == _pid || task[1] == _pid || !mutex[gone])
		:: !held(d[n]) -> (!(fs && dev[d[n]].disk == TOP) ||
				   !(suspended[TOP] || (suspended[MID] && on_mid(live[TOP]))))
		fi
	od;
	atomic { true; d_step {
		printf("notified %x of %x\n", told, must[gone]);
		assert(!(must[gone] & ~told));		/* none was missed */
		assert(!(told & ~may[gone]));		/* and none without the page */
		told = 0; origin = 0;
		failing[gone] = 0; must[gone] = 0; may[gone] = 0; task[gone] = 0;
		claims_srcu = claims_srcu & ~(1 << gone);
		for (i : 1 .. NDEV - 1) { unread(dev[i], gone) }
		for (i : 1 .. NTAB - 1) { unread(tab[i], gone) }
		for (i : 1 .. NATT - 1) { unread(att[i], gone) }
		i = 0;
		mutex[gone] = 0; dax_srcu = dax_srcu & ~(1 << _pid)
	} };
left:	failures--
}
#define WALK	byte origin, n, i, c, o, told, d[3], at[3], hit[3]; bit above[3], go

#include "world.pml"
