//! A nursery: makes templates for a program that has threads.
//!
//! A process can be copied whole only while it has one thread. A daemon that changes its signatures has many by then,
//! so it starts a nursery before them: a copy that does nothing but wait until it is asked for a template. It is given the
//! descriptor of an image, copies itself, and the copy maps the image and becomes the template. Nothing that the daemon has
//! come to hold since, neither memory nor descriptors, is in any of them.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::Signal;

use crate::broker::{Sandbox, StartError, group};
use crate::channel::{self, Channel};
use crate::group::Group;
use crate::jail::{self, Jailed, Setup};
use crate::sys;
use crate::template::{self, FRAME, frame, unframe};

/// How long a template may take to be made.
const PATIENCE: Duration = Duration::from_secs(30);

/// What comes with a request, behind the channel of the template.
const WITH_DESCRIPTOR: u8 = 1;
const WITH_ENTRANCE: u8 = 2;

/// A process that makes templates; it ends with this, and they with it.
#[derive(Debug)]
pub struct Nursery {
    channel: Mutex<Channel>,
    setup: Setup,
    /// One for the workers of all its sandboxes.
    group: Option<Arc<Group>>,
}

impl Nursery {
    /// Starts one. A template opens what it is given with `open`, once, before it locks itself up; its workers
    /// then do `work`.
    ///
    /// To be called while this program has one thread, and from one that lives as long as the nursery.
    ///
    /// # Errors
    /// There is no jail on this machine.
    pub fn start<T>(
        setup: Setup,
        mut open: impl FnMut(Option<OwnedFd>) -> io::Result<T>,
        mut work: impl FnMut(Jailed, &T),
    ) -> Result<Self, StartError> {
        if !sys::knows_filters() || setup.task.program().is_none() {
            return Err(StartError::NoFilter);
        }
        let (ours, theirs) = Channel::pair().map_err(StartError::Failed)?;
        let group = group(&setup).map(Arc::new);
        if sys::fork().map_err(StartError::Failed)?.is_none() {
            drop(ours);
            let served = serve(theirs, &mut |control, descriptor, entrance| {
                let Ok(opened) = open(descriptor) else { sys::exit(1) };
                template::run(control, entrance, &setup, &mut |jailed| work(jailed, &opened));
            });
            sys::exit(i32::from(served.is_err()));
        }
        Ok(Self { channel: Mutex::new(ours), setup, group })
    }

    /// A sandbox whose workers have what `open` makes of this descriptor. It must not outlive the nursery.
    ///
    /// # Errors
    /// No template can be made, or none of its workers is ready.
    pub fn sandbox(&self, descriptor: Option<BorrowedFd<'_>>) -> Result<Sandbox, StartError> {
        let (ours, theirs) = Channel::pair().map_err(StartError::Failed)?;
        let process = self.template(&theirs, descriptor).map_err(StartError::Failed)?;
        drop(theirs);
        Sandbox::around(ours, process, self.setup.clone(), self.group.clone())
    }

    fn template(&self, theirs: &Channel, descriptor: Option<BorrowedFd<'_>>) -> io::Result<i32> {
        let entrance = self.group.as_ref().and_then(|group| group.entrance().ok());
        let mut with = 0;
        let mut descriptors = vec![theirs.as_fd()];
        if let Some(descriptor) = descriptor {
            with |= WITH_DESCRIPTOR;
            descriptors.push(descriptor);
        }
        if let Some(entrance) = &entrance {
            with |= WITH_ENTRANCE;
            descriptors.push(entrance.as_fd());
        }
        let channel = self.channel.lock().unwrap_or_else(PoisonError::into_inner);
        channel.send(&[with], &descriptors, true)?;
        let mut reply = [0; FRAME];
        if !channel::wait_for(channel.as_fd(), PATIENCE)? {
            return Err(io::ErrorKind::TimedOut.into());
        }
        match channel.take(&mut reply)?.map(|length| unframe(reply.get(..length).unwrap_or_default())) {
            Some(Some((1, process))) => Ok(process),
            Some(Some((0, error))) => Err(io::Error::from_raw_os_error(error)),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

/// Serves requests until the daemon hangs up. Runs in the copy.
fn serve(
    channel: Channel,
    become_template: &mut dyn FnMut(Channel, Option<OwnedFd>, Option<File>),
) -> io::Result<()> {
    sys::reset_signals();
    // Templates that have ended are nobody's to collect.
    sys::ignore_children();
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // Ctrl-C is for the daemon alone.
    let _ = rustix::process::setsid();
    jail::close_streams()?;
    sys::place(channel.as_fd(), sys::CHANNEL)?;
    std::mem::forget(channel);
    sys::close_from(sys::CHANNEL.saturating_add(1))?;
    let channel = Channel::from_descriptor(sys::placed(sys::CHANNEL));
    rustix::thread::set_name(c"candor-nursery")?;
    let mut buffer = [0; 1];
    let mut descriptors = Vec::new();
    loop {
        if channel.receive(&mut buffer, &mut descriptors)? == 0 {
            return Ok(());
        }
        let [with] = buffer;
        let mut received = descriptors.drain(..);
        let control = received.next().map(Channel::from_descriptor);
        let descriptor = if with & WITH_DESCRIPTOR == 0 { None } else { received.next() };
        let entrance = if with & WITH_ENTRANCE == 0 { None } else { received.next().map(File::from) };
        let control = control.ok_or(io::ErrorKind::InvalidData)?;
        let reply = match sys::fork() {
            Ok(None) => {
                become_template(control, descriptor, entrance);
                sys::exit(1);
            }
            Ok(Some(process)) => frame(1, process),
            Err(error) => frame(0, error.raw_os_error().unwrap_or(0)),
        };
        drop((control, descriptor, entrance, received));
        channel.send(&reply, &[], true)?;
    }
}
