//! The layers of the jail, and which of them there must be.

use std::fmt;

/// One layer of the jail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// No program can give it more rights than it has (`no_new_privs`).
    NoNewPrivileges = 0,
    /// The kernel refuses all system calls that are not in the table (seccomp).
    Filter = 1,
    /// Other processes of the same user cannot look into it, and it leaves no core.
    NotDumpable = 2,
    /// Limits on memory, descriptors, processes, files.
    Limits = 3,
    /// No descriptor but the channel.
    ClosedDescriptors = 4,
    /// Neither environment nor arguments of the program that was started.
    ClearedEnvironment = 5,
    /// No capability, and none to be had.
    NoCapabilities = 6,
    /// The kernel refuses all access to files by path, to the network, to others' sockets and signals.
    Landlock = 7,
    /// A user namespace of its own.
    UserNamespace = 8,
    /// An empty file system.
    EmptyFilesystem = 9,
    /// A process namespace of its own: no other process can be named.
    ProcessNamespace = 10,
    /// A network namespace without any network.
    NetworkNamespace = 11,
    /// A namespace of its own for System V objects and message queues.
    IpcNamespace = 12,
    /// A namespace of its own for the name of the machine.
    NameNamespace = 13,
    /// A user that owns nothing (when the program runs as root).
    OtherUser = 14,
    /// A control group that bounds memory and processes.
    ControlGroup = 15,
}

impl Layer {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 16] = [
        Self::NoNewPrivileges,
        Self::Filter,
        Self::NotDumpable,
        Self::Limits,
        Self::ClosedDescriptors,
        Self::ClearedEnvironment,
        Self::NoCapabilities,
        Self::Landlock,
        Self::UserNamespace,
        Self::EmptyFilesystem,
        Self::ProcessNamespace,
        Self::NetworkNamespace,
        Self::IpcNamespace,
        Self::NameNamespace,
        Self::OtherUser,
        Self::ControlGroup,
    ];

    /// Its name in output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoNewPrivileges => "no-new-privileges",
            Self::Filter => "system-call-filter",
            Self::NotDumpable => "not-dumpable",
            Self::Limits => "limits",
            Self::ClosedDescriptors => "closed-descriptors",
            Self::ClearedEnvironment => "cleared-environment",
            Self::NoCapabilities => "no-capabilities",
            Self::Landlock => "landlock",
            Self::UserNamespace => "user-namespace",
            Self::EmptyFilesystem => "empty-file-system",
            Self::ProcessNamespace => "process-namespace",
            Self::NetworkNamespace => "network-namespace",
            Self::IpcNamespace => "ipc-namespace",
            Self::NameNamespace => "name-namespace",
            Self::OtherUser => "other-user",
            Self::ControlGroup => "control-group",
        }
    }

    const fn bit(self) -> u32 {
        1 << (self as u32)
    }
}

/// A set of layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layers(u32);

impl Layers {
    /// None.
    pub const NONE: Self = Self(0);

    /// Without one of these the program refuses to scan, unless it is told to scan without a jail. The
    /// filter alone denies paths, network, processes and executable memory; the others deny it again.
    pub const MINIMUM: Self = Self::NONE
        .with(Layer::NoNewPrivileges)
        .with(Layer::Filter)
        .with(Layer::NotDumpable)
        .with(Layer::Limits)
        .with(Layer::ClosedDescriptors)
        .with(Layer::ClearedEnvironment)
        .with(Layer::NoCapabilities);

    /// As a number, for messages.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// From the number in a message; bits that stand for nothing are dropped.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits & 0xffff)
    }

    /// These and one more.
    #[must_use]
    pub const fn with(self, layer: Layer) -> Self {
        Self(self.0 | layer.bit())
    }

    /// These and those.
    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// These without those.
    #[must_use]
    pub const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// Whether it is one of them.
    #[must_use]
    pub const fn has(self, layer: Layer) -> bool {
        self.0 & layer.bit() != 0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Layer> {
        Layer::ALL.into_iter().filter(move |layer| self.has(*layer))
    }
}

impl fmt::Display for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, layer) in self.iter().enumerate() {
            f.write_str(if number > 0 { ", " } else { "" })?;
            f.write_str(layer.name())?;
        }
        Ok(())
    }
}
