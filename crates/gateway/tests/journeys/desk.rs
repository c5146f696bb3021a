//! A gateway in a test: real sockets, a real issuer, a fake model that keeps every byte, and a disk that can be held,
//! broken and torn.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gatewright_demo::issuer::{Issuer, Person};

use gatewright_gateway::{
    Audience, Connection, Drain, Gateway, Inbound, Limits, Model, Parts, Price, SecondLook, Stages, Threads, World,
};
use gatewright_identity::{Dial, Identities, IssuerConfig, Roots};
use gatewright_masking::{CustomPattern, CustomRule, Detectors};
use gatewright_model::{Clock, ConnectionName, Entropy, InfoType, Moment, RequestId, Timestamp, Trust};
use gatewright_policy::{Catalogue, Landscape, ModelFacts, Source};
use gatewright_store::log::{Log, Options};
use gatewright_store::state::{Answer as Kept, Booked, Owned, Owner, Page, StateError, Thing};
use gatewright_store::testing::{CountedEntropy, FakeDisk, OwnedInMemory};
use gatewright_testkit::{Answer, FakeModel, RawClient};
use gatewright_upstream::Upstreams;
use gatewright_upstream::lend::Fixed;
use gatewright_upstream::reach::{Origin, Timeouts};
use http::header::AUTHORIZATION;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;

/// The model server's credential; it must be found nowhere.
pub(crate) const CREDENTIAL: &str = "sk-canary-upstream-credential";

const CATALOGUE: &str = r#"
version: 1
detectors:
  EMPLOYEE: { regex: "ACME-EMP-[0-9]{6}" }
  FIELD: { fields: ["$.customer.ssn", "*.password"] }
roles:
  analyst:
    members: [{ issuer: demo, group: analysts }]
    grants:
      - models: [open]
        operations: [chat, embed]
        parameters: { max_tokens: { max: 100, default: 50, over: clamp } }
  admin:
    members: [{ issuer: demo, group: ml-admins }]
    grants: [{ models: [open, closed], operations: [chat] }]
    reveal: [EMAIL_ADDRESS]
  officer:
    members: [{ issuer: demo, group: security }]
    grants: [{ models: [open], operations: [chat] }]
    reveal: [EMAIL_ADDRESS]
    reveal_to_tools: [EMAIL_ADDRESS]
    masking: { external: { types: { PHONE_NUMBER: { in: alert, out: alert }, CREDIT_CARD: { in: block } } } }
  keeper:
    members: [{ issuer: demo, group: analysts }, { issuer: demo, group: ml-admins }]
    grants: [{ models: [open], operations: [files, batch] }]
  metered:
    members: [{ issuer: demo, group: security }]
    grants:
      - models: [closed]
        operations: [chat]
        parameters: { max_tokens: { max: 10 } }
    budget: [{ requests: 4, per: day }, { tokens: 100, per: day }]
  spender:
    members: [{ issuer: demo, group: ml-admins }]
    grants:
      - models: [dear, narrow, unpriced]
        operations: [chat]
        parameters: { max_tokens: { max: 10 } }
budgets:
  spend: { cost: 0.0003, per: day, models: [dear, unpriced] }
  bytes: { answer_bytes: 3000, per: day, models: [narrow] }
"#;

const MODELS: [&str; 5] = ["open", "closed", "dear", "narrow", "unpriced"];

/// What each model but one costs: a millionth of a euro a token of requests, and ten a token of answers.
const PRICE: Option<Price> = Some(Price { input: 1_000_000, cached: 500_000, output: 10_000_000, image: 0 });

/// The machine's clock: tokens and timeouts are real here.
pub(crate) struct Now;

impl Clock for Now {
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(u64::try_from(since.as_micros()).unwrap_or(0))
    }
}

/// Keeps what it hears.
#[derive(Default)]
pub(crate) struct Ears(pub(crate) Mutex<Vec<(RequestId, Vec<Moment>)>>);

impl Audience for Ears {
    fn hear(&self, request: RequestId, moments: &[Moment]) {
        self.0.lock().expect("nobody panics with it").push((request, moments.to_vec()));
    }
}

/// The books of whose things are; they can be made to fail, and count how often they were looked into.
#[derive(Default)]
pub(crate) struct Books {
    kept: OwnedInMemory,
    pub(crate) broken: AtomicBool,
    pub(crate) looked: AtomicUsize,
}

impl Books {
    fn ready(&self) -> Result<(), StateError> {
        self.looked.fetch_add(1, Ordering::SeqCst);
        match self.broken.load(Ordering::SeqCst) {
            true => Err(StateError::Unreachable("it is a test".into())),
            false => Ok(()),
        }
    }
}

impl Owned for Books {
    fn book(&self, owner: Owner, things: Vec<Thing>) -> Kept<'_, Booked> {
        Box::pin(async move {
            self.ready()?;
            self.kept.book(owner, things).await
        })
    }

    fn find(&self, owner: Owner, ids: Vec<Arc<str>>) -> Kept<'_, Vec<Thing>> {
        Box::pin(async move {
            self.ready()?;
            self.kept.find(owner, ids).await
        })
    }

    fn list(&self, owner: Owner, page: Page) -> Kept<'_, Vec<Thing>> {
        Box::pin(async move {
            self.ready()?;
            self.kept.list(owner, page).await
        })
    }

    fn strike(&self, connection: ConnectionName, id: Arc<str>) -> Kept<'_, ()> {
        Box::pin(async move {
            self.ready()?;
            self.kept.strike(connection, id).await
        })
    }
}

pub(crate) struct Desk {
    pub(crate) address: SocketAddr,
    pub(crate) model: FakeModel,
    pub(crate) issuer: Issuer,
    pub(crate) disk: FakeDisk,
    pub(crate) ears: Arc<Ears>,
    pub(crate) books: Arc<Books>,
    pub(crate) second_look: Arc<SecondLook>,
    gateway: Arc<Gateway>,
    _folder: tempfile::TempDir,
}

impl Desk {
    pub(crate) async fn new(model: FakeModel, trust: Trust) -> Self {
        Self::with(model, trust, FakeDisk::new(), false).await
    }

    pub(crate) async fn with(model: FakeModel, trust: Trust, disk: FakeDisk, strict_answers: bool) -> Self {
        Self::amended(model, trust, disk, strict_answers, |world| world).await
    }

    /// In a world that the test changes; every decision is made again.
    pub(crate) async fn amended(
        model: FakeModel,
        trust: Trust,
        disk: FakeDisk,
        strict_answers: bool,
        amend: impl FnOnce(World) -> World,
    ) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = tempfile::tempdir().expect("a folder");
        let (issuer, identities) = issuer(folder.path()).await;
        let clock: Arc<dyn Clock> = Arc::new(Now);
        let entropy: Arc<dyn Entropy> = Arc::new(CountedEntropy::new(7));
        let options = Options { segment_bytes: 1 << 20, ahead_bytes: 1 << 18, ..Options::default() };
        let (log, _) =
            Log::open(Arc::new(disk.clone()), options, Arc::clone(&clock), Arc::clone(&entropy)).expect("a log");
        let ears = Arc::new(Ears::default());
        let books = Arc::new(Books::default());
        let second_look = Arc::new(SecondLook::start(log.clone(), Arc::clone(&clock)).expect("a thread"));
        second_look.recheck_one_of(1);
        let gateway = Arc::new(Gateway::new(Parts {
            world: amend(world(&model, trust, identities, strict_answers)),
            log,
            threads: Threads::new(&[1; 32]),
            audience: Arc::clone(&ears) as Arc<dyn Audience>,
            clock,
            entropy,
            holds: None,
            lending: None,
            second_look: Some(Arc::clone(&second_look)),
            quotas: Arc::new(gatewright_store::quotas::Memory::default()),
            owned: Arc::clone(&books) as Arc<dyn Owned>,
            pseudonym_key: [2; 32],
        }));
        let address = listen(Arc::clone(&gateway)).await;
        Self { address, model, issuer, disk, ears, books, second_look, gateway, _folder: folder }
    }

    pub(crate) fn world(&self) -> Arc<World> {
        self.gateway.world()
    }

    pub(crate) fn token(&self, person: Person) -> String {
        self.issuer.mint(person)
    }

    pub(crate) fn request(&self, person: Person, path: &str, body: &str) -> String {
        let token = self.token(person);
        format!(
            "POST {path} HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    pub(crate) async fn chat(&self, person: Person, body: &str) -> Answer {
        let request = self.request(person, "/v1/chat/completions", body);
        RawClient::exchange(self.address, request).await.expect("an answer")
    }

    /// Every byte on the fake disk, durable or not.
    pub(crate) fn disk_bytes(&self) -> Vec<u8> {
        self.disk.paths().iter().filter_map(|path| self.disk.contents(path)).flatten().collect()
    }
}

pub(crate) fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

async fn issuer(folder: &std::path::Path) -> (Issuer, Arc<Identities>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let issuer = Issuer::open(folder, &url, Arc::new(Now), Arc::new(CountedEntropy::new(7))).expect("an issuer");
    let serving = issuer.clone();
    tokio::spawn(async move { serving.serve(listener, std::future::pending()).await });
    let config = IssuerConfig { groups: Some("/groups".to_owned()), ..IssuerConfig::new("demo", url, "gatewright") };
    let dial = Dial::new(&Roots::System).expect("a dial");
    let identities = Arc::new(Identities::new(vec![config], dial, Arc::new(Now)).expect("identities"));
    identities.start();
    tokio::time::timeout(Duration::from_secs(10), identities.tried()).await.expect("keys");
    (issuer, identities)
}

/// The catalogue of a desk with something changed in its text.
pub(crate) fn catalogue(world: &World, change: impl FnOnce(&str) -> String) -> Catalogue {
    let facts = |name: &str| ModelFacts { name: name.into(), connection: "lab".into(), tags: Vec::new() };
    let landscape = Landscape {
        issuers: vec!["demo".into()],
        connections: world.connections.values().map(|known| (known.name.clone(), known.trust)).collect(),
        models: MODELS.map(facts).to_vec(),
        datasets: Vec::new(),
        info_types: world.detectors.info_types().to_vec(),
    };
    let source = Source { name: "catalogue.yaml".to_owned(), text: change(CATALOGUE) };
    gatewright_policy::parse(&[source]).and_then(|text| Catalogue::compile(text, &landscape)).expect("policy")
}

fn world(model: &FakeModel, trust: Trust, identities: Arc<Identities>, strict_answers: bool) -> World {
    let employee = CustomRule {
        name: InfoType::new("EMPLOYEE").expect("a name"),
        pattern: CustomPattern::Regex("ACME-EMP-[0-9]{6}".to_owned()),
    };
    let fields = CustomRule {
        name: InfoType::new("FIELD").expect("a name"),
        pattern: CustomPattern::Fields(vec!["$.customer.ssn".to_owned(), "*.password".to_owned()]),
    };
    let detectors = Arc::new(Detectors::with(&[employee, fields]).expect("detectors"));
    let facts = |name: &str| ModelFacts { name: name.into(), connection: "lab".into(), tags: Vec::new() };
    let landscape = Landscape {
        issuers: vec!["demo".into()],
        connections: vec![("lab".into(), trust)],
        models: MODELS.map(facts).to_vec(),
        datasets: Vec::new(),
        info_types: detectors.info_types().to_vec(),
    };
    let source = Source { name: "catalogue.yaml".to_owned(), text: CATALOGUE.to_owned() };
    let policy =
        gatewright_policy::parse(&[source]).and_then(|text| Catalogue::compile(text, &landscape)).expect("policy");
    let connection = Arc::new(Connection {
        name: "lab".into(),
        protocol: gatewright_protocols::named("openai").expect("a protocol"),
        dialect: Default::default(),
        trust,
        call_token: None,
    });
    let mut upstreams = Upstreams::new();
    let origin = Origin::parse(&model.url()).expect("an origin");
    let lender = Arc::new(Fixed::new(CREDENTIAL.to_owned()));
    let roots =
        rustls::ClientConfig::builder().with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    let timeouts =
        Timeouts { connect: Duration::from_secs(2), first_byte: Duration::from_secs(5), idle: Duration::from_secs(2) };
    upstreams.add("lab".into(), origin, Some((AUTHORIZATION, "Bearer ", lender)), timeouts, &Arc::new(roots));
    let models = MODELS.map(|name| {
        let model = Model {
            facts: facts(name),
            connection: Arc::clone(&connection),
            upstream: format!("{name}-there").into(),
            price: if name == "unpriced" { None } else { PRICE },
        };
        (name.into(), model)
    });
    World {
        epoch: 1,
        configuration: [0; 32],
        identities,
        policy,
        detectors,
        prompt_rules: None,
        answer_rules: None,
        connections: HashMap::from([("lab".into(), connection)]),
        models: HashMap::from(models),
        currency: Some("EUR".into()),
        datasets: Default::default(),
        leasable: Default::default(),
        upstreams,
        limits: Limits { body: 64 << 10, body_time: Duration::from_secs(2), ..Limits::default() },
        proxies: Default::default(),
        strict_answers,
        stages: Stages::ALL,
        roles: Default::default(),
        lent: Default::default(),
        cut_at_expiry: HashMap::new(),
    }
}

async fn listen(gateway: Arc<Gateway>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, peer)) = listener.accept().await {
            let gateway = Arc::clone(&gateway);
            tokio::spawn(async move {
                let _ = stream.set_nodelay(true);
                let service = service_fn(|request: http::Request<hyper::body::Incoming>| {
                    let gateway = Arc::clone(&gateway);
                    async move {
                        let (head, body) = request.into_parts();
                        let answer = gateway.serve(head, Inbound::Wire(body), peer, &Drain::never()).await;
                        Ok::<_, std::convert::Infallible>(answer)
                    }
                });
                let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    address
}
