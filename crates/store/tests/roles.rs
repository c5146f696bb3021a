//! Roles that live as long as a call, in a real PostgreSQL server: what they may, what ends them, what they leave behind.

use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use gatewright_model::{Entropy, Secret, Timestamp};
use gatewright_store::roles::{LentRole, NewRole, RoleFault, RolePassword, RoleServer};
use gatewright_store::state::{PostgresAddress, PostgresOptions, Transport};
use gatewright_testkit::Postgres;

/// Bytes that differ each time.
struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let number = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed).to_le_bytes();
            chunk.copy_from_slice(&number[..chunk.len()]);
        }
    }
}

/// A database with a table, a group that may read it, and a lender that is no superuser.
struct Scene {
    server: Postgres,
    database: String,
    roles: RoleServer,
    entropy: Counting,
}

impl Scene {
    fn lay() -> Self {
        let server = Postgres::start();
        let database = server.database().rsplit('/').next().expect("it names one").to_owned();
        server.execute(
            &database,
            "CREATE TABLE sales (region text, amount int); INSERT INTO sales VALUES ('north', 7), ('south', 9);
             CREATE TABLE wages (name text, amount int); INSERT INTO wages VALUES ('erika', 1);
             CREATE ROLE \"sales readers\" NOLOGIN; GRANT SELECT ON sales TO \"sales readers\";
             CREATE ROLE lender LOGIN CREATEROLE PASSWORD 'lends'; GRANT \"sales readers\" TO lender WITH ADMIN OPTION",
        );
        let roles = Self::server_as(&server, &database, "lender", "lends");
        Self { server, database, roles, entropy: Counting(AtomicU64::new(1)) }
    }

    fn server_as(server: &Postgres, database: &str, user: &str, password: &str) -> RoleServer {
        let url = format!("postgres://{user}@127.0.0.1:{}/{database}", server.port());
        let password = Arc::new(Secret::new(password.to_owned()));
        RoleServer::new(PostgresOptions {
            address: PostgresAddress::parse(&url).expect("an address"),
            password: Some(Arc::new(move || Ok(Arc::clone(&password)))),
            transport: Transport::Plain,
            connections: 2,
        })
    }

    async fn make(&self, until: Timestamp, group: &str) -> Result<(LentRole, String), RoleFault> {
        let (name, password) = (LentRole::new(&self.entropy), RolePassword::new(&self.entropy));
        let new = NewRole { name: &name, password: &password, until, groups: &[group] };
        self.roles.make(new, &self.entropy).await?;
        Ok((name, password.expose().expose().clone()))
    }

    fn ask(&self, role: &(LentRole, String), statement: &str) -> Result<String, String> {
        self.server.execute_as(&self.database, (role.0.as_str(), &role.1), statement)
    }

    fn sleeper(&self, role: &(LentRole, String)) -> Child {
        let session =
            self.server.session_as(&self.database, (role.0.as_str(), &role.1), "SELECT pg_sleep(120) FROM sales");
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.sessions(&role.0) == "0" {
            assert!(Instant::now() < deadline, "no session began");
            std::thread::sleep(Duration::from_millis(20));
        }
        session
    }

    fn sessions(&self, role: &LentRole) -> String {
        let query = format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{role}'");
        self.server.execute(&self.database, &query)
    }

    fn roles(&self) -> String {
        self.server.execute(&self.database, "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'gwl%'")
    }
}

fn soon(seconds: u64) -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    Timestamp::from_seconds(now.as_secs() + seconds)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_may_what_its_group_may_and_nothing_else() {
    let scene = Scene::lay();
    let role = scene.make(soon(60), "sales readers").await.expect("made");
    assert_eq!(scene.ask(&role, "SELECT sum(amount) FROM sales"), Ok("16".to_owned()));
    assert_eq!(scene.ask(&role, "SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user"), Ok("4".to_owned()));
    for (statement, why) in [
        ("SELECT * FROM wages", "permission denied"),
        ("INSERT INTO sales VALUES ('west', 1)", "permission denied"),
        ("DELETE FROM sales", "permission denied"),
        ("CREATE TABLE public.mine (n int)", "permission denied"),
        ("CREATE ROLE another LOGIN", "permission denied"),
        ("SET ROLE \"sales readers\"", "permission denied"),
        ("SET ROLE lender", "permission denied"),
        ("ALTER ROLE CURRENT_USER VALID UNTIL 'infinity'", "permission denied"),
        ("SELECT pg_read_file('/etc/passwd')", "permission denied"),
    ] {
        let refused = scene.ask(&role, statement).expect_err(statement);
        assert!(refused.contains(why), "{statement}: {refused}");
    }
    let wrong = (role.0.clone(), "a".repeat(64));
    assert!(scene.ask(&wrong, "SELECT 1").is_err(), "any secret opens it");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_cuts_sessions_and_leaves_nothing_behind() {
    let scene = Scene::lay();
    scene.server.execute(&scene.database, "GRANT CREATE ON SCHEMA public TO \"sales readers\"");
    let (one, other) = (
        scene.make(soon(60), "sales readers").await.expect("made"),
        scene.make(soon(60), "sales readers").await.expect("made"),
    );
    scene.ask(&one, "CREATE TABLE mine AS SELECT * FROM sales; SELECT lo_create(4711)").expect("it may");
    let (mut cut, mut kept) = (scene.sleeper(&one), scene.sleeper(&other));
    let began = Instant::now();
    scene.roles.end(&one.0).await.expect("ended");
    let took = began.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert!(!cut.wait().expect("it ended").success(), "its session went on");
    assert_eq!((scene.sessions(&one.0).as_str(), scene.sessions(&other.0).as_str()), ("0", "1"));
    assert!(scene.ask(&one, "SELECT 1").is_err(), "it still logs in");
    assert_eq!(scene.server.execute(&scene.database, "SELECT count(*) FROM pg_tables WHERE tablename = 'mine'"), "0");
    assert_eq!(scene.server.execute(&scene.database, "SELECT count(*) FROM sales"), "2");
    scene.roles.end(&one.0).await.expect("ended already");
    assert_eq!(scene.roles(), "1");
    scene.roles.end(&other.0).await.expect("ended");
    assert!(!kept.wait().expect("it ended").success());
    assert_eq!(scene.roles(), "0");
}

/// `VALID UNTIL` alone keeps a session alive: that is why it takes an end.
#[tokio::test(flavor = "multi_thread")]
async fn expiry_shuts_the_door_and_no_more() {
    let scene = Scene::lay();
    let until = soon(8);
    let role = scene.make(until, "sales readers").await.expect("made");
    let mut session = scene.sleeper(&role);
    while soon(0) <= until {
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(scene.ask(&role, "SELECT 1").is_err(), "it still logs in");
    assert_eq!(scene.sessions(&role.0), "1", "expiry is enough by now; then much of this is not needed");
    assert_eq!(scene.roles.forgotten(soon(0)).await, Ok(vec![role.0.clone()]));
    assert_eq!(scene.roles.forgotten(until).await, Ok(Vec::new()), "its time was not over then");
    scene.roles.end(&role.0).await.expect("ended");
    assert!(!session.wait().expect("it ended").success());
    assert_eq!(scene.roles.forgotten(soon(0)).await, Ok(Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_the_servers_log_and_no_name_is_a_statement() {
    let scene = Scene::lay();
    scene.server.execute("postgres", &format!("ALTER DATABASE {} SET log_statement = 'all'", scene.database));
    let role = scene.make(soon(60), "sales readers").await.expect("made");
    let said = scene.server.said();
    assert!(said.contains("CREATE ROLE") && said.contains(role.0.as_str()), "the log would not show it: {said}");
    assert!(said.contains("SCRAM-SHA-256$") && !said.contains(&role.1), "the secret is in the log");
    // Groups come from the configuration, but nothing that stands there becomes a statement.
    for group in ["sales readers\"; DROP TABLE sales; --", "nobody", "'", "pg_read_all_data"] {
        let fault = scene.make(soon(60), group).await.expect_err(group);
        assert!(matches!(fault, RoleFault::Refused(_)), "{group}: {fault}");
    }
    assert_eq!(scene.server.execute(&scene.database, "SELECT count(*) FROM sales"), "2");
    assert_eq!(scene.roles(), "1", "a role that was made by halves stays");
}

/// Where who asks stands in a setting, whoever asks writes it anew; by its groups it does not.
#[tokio::test(flavor = "multi_thread")]
async fn rows_are_told_apart_by_who_is_connected_and_not_by_a_setting() {
    let scene = Scene::lay();
    scene.server.execute(
        &scene.database,
        "ALTER TABLE sales ENABLE ROW LEVEL SECURITY;
         CREATE POLICY by_group ON sales USING (region = 'north' AND pg_has_role(current_user, 'sales readers', 'USAGE'));
         CREATE TABLE loose (region text); INSERT INTO loose VALUES ('north'), ('south');
         GRANT SELECT ON loose TO \"sales readers\"; ALTER TABLE loose ENABLE ROW LEVEL SECURITY;
         CREATE POLICY by_setting ON loose USING (region = current_setting('app.region', true))",
    );
    let role = scene.make(soon(60), "sales readers").await.expect("made");
    assert_eq!(scene.ask(&role, "SET app.region = 'south'; SELECT region FROM sales"), Ok("north".to_owned()));
    assert_eq!(scene.ask(&role, "SET app.region = 'south'; SELECT region FROM loose"), Ok("south".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_is_said_to_be() {
    let mut scene = Scene::lay();
    scene.server.pause();
    assert!(matches!(scene.make(soon(60), "sales readers").await, Err(RoleFault::Unreachable(_))));
    scene.server.resume();
    assert!(scene.make(soon(60), "sales readers").await.is_ok());
}
