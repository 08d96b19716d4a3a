//! Servers for mail and files that ask a daemon of ClamAV's. Each stands in a Debian of its own, and is started with
//! the configuration of its manual.

use std::fs;
use std::io::{BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

use super::packages::{Packages, chroot, said, succeed};
use super::place::{FOUND, PATIENCE, Place, Running, free_port, until, wait_for_port};

/// [`PATIENCE`] for programs.
const PATIENCE_SECONDS: &str = "300";

type Outcome = anyhow::Result<Option<String>>;

/// Debian with all servers that agree with one another.
fn servers(packages: &Packages, file: &str) -> anyhow::Result<Option<std::path::PathBuf>> {
    let all = [
        "c-icap",
        "clamav-milter",
        "curl",
        "postfix",
        "proftpd-core",
        "proftpd-mod-clamav",
        "rspamd",
        "samba",
        "samba-vfs-modules",
        "smbclient",
        "squid",
    ];
    packages.system("servers", &all, file)
}

/// Hands a mail to a server of mail; what it says of it in the end.
fn sent(
    reader: &mut dyn std::io::BufRead,
    writer: &mut dyn std::io::Write,
    body: &str,
) -> anyhow::Result<String> {
    let mut answer = || {
        let mut line = String::new();
        loop {
            line.clear();
            ensure!(reader.read_line(&mut line)? > 0, "it hangs up");
            if line.as_bytes().get(3) == Some(&b' ') {
                return Ok(line.trim_end().to_owned());
            }
        }
    };
    answer()?;
    for command in
        ["HELO client.example.org", "MAIL FROM:<from@example.org>", "RCPT TO:<to@mail.example.org>", "DATA"]
    {
        write!(writer, "{command}\r\n")?;
        writer.flush()?;
        let said = answer()?;
        ensure!(said.starts_with(['2', '3']), "{command}: {said}");
    }
    write!(writer, "Subject: a mail\r\n\r\n{body}\r\n.\r\n")?;
    writer.flush()?;
    let said = answer()?;
    write!(writer, "QUIT\r\n")?;
    writer.flush()?;
    Ok(said)
}

/// A clean and an infected body.
fn bodies(place: &Place) -> anyhow::Result<[String; 2]> {
    let read = |name: &str| fs::read_to_string(place.path(name));
    Ok([read("files/clean")?.trim_end().to_owned(), read("files/infected")?])
}

pub(super) fn exim(place: &Place, packages: &Packages) -> Outcome {
    let Some(root) = packages.system("exim", &["exim4-daemon-heavy"], "usr/sbin/exim4")? else {
        return Ok(None);
    };
    let conf = format!(
        "primary_hostname = mail.example.org\nav_scanner = clamd:127.0.0.1 {}\nacl_smtp_rcpt = everybody\n\
         acl_smtp_data = check\nnever_users =\nkeep_environment =\nbegin acl\neverybody:\n  accept\ncheck:\n  \
         deny malware = *\n       message = found $malware_name\n  accept\nbegin routers\nnowhere:\n  \
         driver = redirect\n  data = :blackhole:\n",
        place.port
    );
    fs::write(root.join("etc/exim4/candor.conf"), conf)?;
    let [clean, infected] = bodies(place)?;
    let mail = |body: &str| {
        let mut command = chroot(&root, "/usr/sbin/exim4");
        command.args(["-C", "/etc/exim4/candor.conf", "-odi", "-bs"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let (mut input, output) = input.zip(output).context("exim has no streams")?;
        let said = sent(&mut BufReader::new(output), &mut input, body);
        drop(input);
        child.wait()?;
        said
    };
    let told = mail(&clean)?;
    ensure!(told.starts_with("250 OK"), "clean: {told}");
    let told = mail(&infected)?;
    ensure!(told == format!("550 found {FOUND}"), "infected: {told}");
    Ok(Some(String::from("av_scanner = clamd: clean accepted, infected rejected; tcp")))
}

/// Postfix in front of a milter; what becomes of a clean and an infected mail.
fn postfix_before(place: &Place, root: &Path, milter: &str) -> anyhow::Result<()> {
    let port = free_port()?;
    let conf = format!(
        "compatibility_level = 3.6\nmyhostname = mail.example.org\nmydestination = mail.example.org\n\
         inet_interfaces = loopback-only\ninet_protocols = ipv4\nlocal_transport = discard:\n\
         local_recipient_maps =\nsmtpd_milters = {milter}\nmilter_default_action = tempfail\n\
         maillog_file = /var/log/postfix.log\n"
    );
    fs::write(root.join("etc/postfix/main.cf"), conf)?;
    let master = root.join("etc/postfix/master.cf");
    let lines = fs::read_to_string(&master)?;
    let listens = |line: &str| line.ends_with(" smtpd") && line.split_whitespace().nth(1) == Some("inet");
    let lines: Vec<String> = lines
        .lines()
        .map(|line| if listens(line) { format!("{port} inet n - n - - smtpd") } else { line.to_owned() })
        .collect();
    fs::write(&master, format!("{}\n", lines.join("\n")))?;
    drop(said(chroot(root, "/usr/sbin/postfix").arg("stop")));
    succeed(chroot(root, "/usr/sbin/postfix").arg("start"))?;
    let tried = wait_for_port(port).and_then(|()| {
        let [clean, infected] = bodies(place)?;
        let mail = |body: &str| {
            let stream = TcpStream::connect(("127.0.0.1", port))?;
            stream.set_read_timeout(Some(PATIENCE))?;
            sent(&mut BufReader::new(stream.try_clone()?), &mut &stream, body)
        };
        let told = mail(&clean)?;
        ensure!(told.starts_with("250 2.0.0 Ok"), "clean: {told}");
        let told = mail(&infected)?;
        ensure!(told == format!("550 5.7.1 found {FOUND}"), "infected: {told}");
        Ok(())
    });
    drop(said(chroot(root, "/usr/sbin/postfix").arg("stop")));
    tried
}

pub(super) fn postfix(place: &Place, packages: &Packages) -> Outcome {
    let Some(root) = servers(packages, "usr/sbin/postfix")? else { return Ok(None) };
    let conf = format!(
        "MilterSocket unix:/run/candor.milter\nMilterSocketMode 666\nClamdSocket tcp:127.0.0.1:{}\nForeground yes\n\
         OnInfected Reject\nAddHeader Replace\nRejectMsg found %v\n",
        place.port
    );
    fs::write(root.join("etc/candor-milter.conf"), conf)?;
    let mut milter = chroot(&root, "/usr/sbin/clamav-milter");
    let _milter = Running::start(milter.args(["-c", "/etc/candor-milter.conf"]))?;
    place.wait_for(&root.join("run/candor.milter"))?;
    // Whoever serves mail is somebody else than root.
    succeed(chroot(&root, "chmod").args(["666", "/run/candor.milter"]))?;
    postfix_before(place, &root, "unix:/run/candor.milter").context("ClamAV's milter")?;
    postfix_before(place, &root, &format!("inet:127.0.0.1:{}", place.milter)).context("our milter")?;
    Ok(Some(String::from("ClamAV's milter, ours: clean accepted, infected rejected")))
}

pub(super) fn rspamd(place: &Place, packages: &Packages) -> Outcome {
    let Some(root) = servers(packages, "usr/bin/rspamd")? else { return Ok(None) };
    let port = free_port()?;
    let local = root.join("etc/rspamd/local.d");
    fs::create_dir_all(&local)?;
    let antivirus = format!(
        "clamav {{\n  action = \"reject\";\n  scan_mime_parts = false;\n  symbol = \"CLAM_VIRUS\";\n  type = \"clamav\";\n  \
         servers = \"127.0.0.1:{}\";\n}}\n",
        place.port
    );
    fs::write(local.join("antivirus.conf"), antivirus)?;
    fs::write(local.join("worker-normal.inc"), format!("bind_socket = \"127.0.0.1:{port}\";\ncount = 1;\n"))?;
    for worker in ["controller", "proxy", "fuzzy"] {
        fs::write(local.join(format!("worker-{worker}.inc")), "enabled = false;\n")?;
    }
    let mut command = chroot(&root, "/usr/bin/rspamd");
    let _rspamd = Running::start(command.args(["-f", "-i", "-c", "/etc/rspamd/rspamd.conf"]))?;
    wait_for_port(port)?;
    let [clean, infected] = bodies(place)?;
    for (body, has) in [(clean, false), (infected, true)] {
        let mail = format!("From: a@example.org\r\nTo: b@example.org\r\nSubject: a mail\r\n\r\n{body}\r\n");
        let told = posted(port, "/checkv2", &mail)?;
        let action = if has { "\"action\":\"reject\"" } else { "\"action\":" };
        ensure!(told.contains(action) && told.contains(&format!("\"{FOUND}\"")) == has, "{told}");
    }
    Ok(Some(String::from("antivirus module: clean passed, infected rejected; tcp")))
}

/// The answer to a request of HTTP. A server that is only starting is asked again.
fn posted(port: u16, path: &str, body: &str) -> anyhow::Result<String> {
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let mut told = String::new();
    until(&format!("{path} is answered"), || {
        told.clear();
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
        let asked =
            stream.set_read_timeout(Some(PATIENCE)).and_then(|()| stream.write_all(request.as_bytes()));
        asked.is_ok() && stream.read_to_string(&mut told).is_ok() && !told.is_empty()
    })?;
    Ok(told)
}

/// A daemon among the files of a Debian of its own, for servers that name paths.
fn inside(place: &Place, root: &Path) -> anyhow::Result<Running> {
    let folder = root.join("srv/candor");
    fs::create_dir_all(folder.join("db"))?;
    // One that still ends keeps its own.
    drop(fs::remove_file(folder.join("candord")));
    fs::copy(place.daemon_file(), folder.join("candord"))?;
    fs::copy(place.path("db/test.ndb"), folder.join("db/test.ndb"))?;
    drop(fs::remove_file(folder.join("socket")));
    let conf = "LocalSocket /srv/candor/socket\nLocalSocketMode 666\nDatabaseDirectory /srv/candor/db\n";
    fs::write(folder.join("clamd.conf"), conf)?;
    // It needs /proc, which is there as long as it runs, and for it alone.
    let start =
        "mount -t proc proc \"$0/proc\" && exec chroot \"$0\" /srv/candor/candord -c /srv/candor/clamd.conf";
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", start]).arg(root);
    let running = Running::start(&mut command)?;
    place.wait_for(&folder.join("socket"))?;
    Ok(running)
}

pub(super) fn proftpd(place: &Place, packages: &Packages) -> Outcome {
    let Some(root) = servers(packages, "usr/sbin/proftpd")? else { return Ok(None) };
    let _daemon = inside(place, &root)?;
    let port = free_port()?;
    let conf = format!(
        "LoadModule mod_clamav.c\nServerName test\nServerType standalone\nPort {port}\nDefaultAddress 127.0.0.1\nUseIPv6 off\n\
         User nobody\nGroup nogroup\nRequireValidShell off\nAuthOrder mod_auth_file.c\nAuthUserFile /etc/candor.passwd\n\
         PidFile /run/candor.pid\nScoreboardFile /run/candor.score\nClamAV on\n\
         ClamLocalSocket /srv/candor/socket\nAllowOverwrite on\n"
    );
    fs::write(root.join("etc/candor-ftp.conf"), conf)?;
    // `secret`, by crypt(3) with the salt `ab`.
    fs::write(root.join("etc/candor.passwd"), "user:abSiC4MhyRN4U:65534:65534::/srv/ftp:/bin/false\n")?;
    let hash = succeed(Command::new("perl").args(["-e", "print crypt('secret', '$6$candor$')"]))?;
    fs::write(root.join("etc/candor.passwd"), format!("user:{hash}:65534:65534::/srv/ftp:/bin/false\n"))?;
    succeed(chroot(&root, "chmod").args(["600", "/etc/candor.passwd"]))?;
    let folder = root.join("srv/ftp");
    fs::create_dir_all(&folder)?;
    succeed(chroot(&root, "chown").args(["65534:65534", "/srv/ftp"]))?;
    let mut command = chroot(&root, "/usr/sbin/proftpd");
    let _server = Running::start(command.args(["-n", "-c", "/etc/candor-ftp.conf"]))?;
    wait_for_port(port)?;
    for (name, arrives) in [("clean", true), ("infected", false)] {
        drop(fs::remove_file(folder.join(name)));
        let mut curl = Command::new("curl");
        curl.args(["-sS", "-m", PATIENCE_SECONDS, "--user", "user:secret", "-T"])
            .arg(place.path(&format!("files/{name}")));
        let (code, _, why) = said(curl.arg(format!("ftp://127.0.0.1:{port}/{name}")))?;
        ensure!((code == 0) == arrives && folder.join(name).exists() == arrives, "{name}: {code} {why}");
    }
    Ok(Some(String::from("mod_clamav: clean arrives, infected does not; unix")))
}

pub(super) fn samba(place: &Place, packages: &Packages) -> Outcome {
    let Some(root) = servers(packages, "usr/sbin/smbd")? else { return Ok(None) };
    let _daemon = inside(place, &root)?;
    let port = free_port()?;
    let conf = format!(
        "[global]\nsmb ports = {port}\ninterfaces = 127.0.0.1\nbind interfaces only = yes\nmap to guest = bad user\n\
         guest account = root\ndisable netbios = yes\nlog file = /var/log/samba/candor.log\npid directory = /run\n\
         [share]\npath = /srv/share\nguest ok = yes\nread only = no\nvfs objects = virusfilter\n\
         virusfilter:scanner = clamav\nvirusfilter:socket path = /srv/candor/socket\n\
         virusfilter:infected file action = delete\nvirusfilter:scan on close = yes\n"
    );
    fs::write(root.join("etc/samba/candor.conf"), conf)?;
    let folder = root.join("srv/share");
    fs::create_dir_all(&folder)?;
    let mut command = chroot(&root, "/usr/sbin/smbd");
    let _server = Running::start(command.args(["-F", "--no-process-group", "-s", "/etc/samba/candor.conf"]))?;
    wait_for_port(port)?;
    for (name, stays) in [("clean", true), ("infected", false)] {
        fs::copy(place.path(&format!("files/{name}")), root.join("tmp").join(name))?;
        let mut client = chroot(&root, "/usr/bin/smbclient");
        let put = format!("put /tmp/{name} {name}");
        client.args([
            "-N",
            "-p",
            &port.to_string(),
            "-s",
            "/etc/samba/candor.conf",
            "//127.0.0.1/share",
            "-c",
            &put,
        ]);
        // A client does not hear what becomes of a file that it has closed.
        let (_, stdout, stderr) = said(&mut client)?;
        until(&format!("{name} is there: {stays}"), || folder.join(name).exists() == stays)
            .with_context(|| format!("{stdout} {stderr}"))?;
    }
    Ok(Some(String::from("vfs_virusfilter: clean stays, infected is deleted; unix")))
}

pub(super) fn c_icap(place: &Place, packages: &Packages) -> Outcome {
    let Some(root) = servers(packages, "usr/bin/c-icap-client")? else { return Ok(None) };
    for (name, status) in [("clean", "ICAP/1.0 204"), ("infected", "ICAP/1.0 200")] {
        fs::copy(place.path(&format!("files/{name}")), root.join("tmp").join(name))?;
        let answer = root.join("tmp/candor.answer");
        drop(fs::remove_file(&answer));
        let mut client = chroot(&root, "/usr/bin/c-icap-client");
        client.args(["-i", "127.0.0.1", "-p", &place.icap.to_string(), "-s", "avscan", "-v"]);
        let (code, stdout, stderr) =
            said(client.args(["-f", &format!("/tmp/{name}"), "-o", "/tmp/candor.answer"]))?;
        let told = format!("{stdout}{stderr}");
        ensure!(code == 0 && told.contains(status), "{name}: {code} {told}");
        let found = told.contains(&format!("X-Virus-ID: {FOUND}")) && told.contains("HTTP/1.1 403 ");
        ensure!(found == (name == "infected"), "{name}: {told}");
        let is_page = fs::read_to_string(&answer).is_ok_and(|text| text.contains("Blocked"));
        ensure!(is_page == found, "{name}: the answer is another one");
    }
    Ok(Some(String::from("clean 204, infected a page in its place")))
}

pub(super) fn squid(place: &Place, packages: &Packages) -> Outcome {
    let Some(root) = servers(packages, "usr/sbin/squid")? else { return Ok(None) };
    let (port, web) = (free_port()?, free_port()?);
    let service = format!("icap://127.0.0.1:{}/avscan bypass=off", place.icap);
    let conf = format!(
        "http_port 127.0.0.1:{port}\nhttp_access allow all\ncache deny all\npid_filename /run/candor-squid.pid\n\
         access_log none\ncache_log /tmp/candor-squid.log\nvisible_hostname proxy.example.org\nshutdown_lifetime 1 second\nicap_enable on\n\
         icap_preview_enable on\nicap_service candor_request reqmod_precache {service}\n\
         icap_service candor_response respmod_precache {service}\n\
         adaptation_access candor_request allow all\nadaptation_access candor_response allow all\n"
    );
    fs::write(root.join("etc/squid/candor.conf"), conf)?;
    fs::create_dir_all(root.join("dev/shm"))?;
    succeed(chroot(&root, "chmod").args(["1777", "/dev/shm", "/tmp"]))?;
    let mut command = chroot(&root, "/usr/sbin/squid");
    let _proxy = Running::start(command.args(["-N", "-f", "/etc/squid/candor.conf"]))?;
    let mut server = Command::new("python3");
    server.args(["-m", "http.server", "--bind", "127.0.0.1", &web.to_string()]);
    let _web = Running::start(server.current_dir(place.path("files")))?;
    wait_for_port(web)?;
    wait_for_port(port)?;
    let proxy = format!("http://127.0.0.1:{port}");
    let status = |options: &[&str], name: &str| {
        let mut curl = Command::new("curl");
        curl.args(["-s", "-m", PATIENCE_SECONDS, "-o", "/dev/null", "-w", "%{http_code}", "-x", &proxy])
            .args(options);
        succeed(curl.arg(format!("http://127.0.0.1:{web}/{name}")))
    };
    let upload = |name: &str| format!("@{}", place.text(&format!("files/{name}")));
    for (options, name, expected) in [
        (vec![], "clean", "200"),
        (vec![], "infected", "403"),
        // The server takes no uploads, and says so of what comes through.
        (vec![String::from("--data-binary"), upload("clean")], "x", "501"),
        (vec![String::from("--data-binary"), upload("infected")], "x", "403"),
    ] {
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let told = status(&options, name)?;
        ensure!(told == expected, "{options:?} {name}: {told}");
    }
    Ok(Some(String::from("REQMOD RESPMOD: clean passes, infected is a page with 403")))
}
