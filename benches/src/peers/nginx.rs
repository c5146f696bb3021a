use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{Running, WORKERS, free_address, wait_for, write};
use crate::load::Target;
use crate::process::Process;

/// nginx as a plain reverse proxy: keep-alive on both sides, no buffering of answers, no access log.
pub(super) fn start(tools: &Path, folder: &Path, model: SocketAddr) -> Result<Running, String> {
    let address = free_address()?;
    let here = folder.display();
    let configuration = format!(
        "daemon off;\nworker_processes {WORKERS};\npid {here}/nginx.pid;\nerror_log {here}/log.txt warn;\n\
         events {{ worker_connections 8192; }}\n\
         http {{\n\
           access_log off;\n\
           client_body_temp_path {here}/body; proxy_temp_path {here}/proxy; fastcgi_temp_path {here}/fastcgi;\n\
           uwsgi_temp_path {here}/uwsgi; scgi_temp_path {here}/scgi;\n\
           keepalive_requests 1000000000;\n\
           upstream model {{ server {model}; keepalive 1024; keepalive_requests 1000000000; }}\n\
           server {{\n\
             listen {address} backlog=4096;\n\
             tcp_nodelay on;\n\
             location / {{\n\
               proxy_pass http://model; proxy_http_version 1.1; proxy_set_header Connection \"\";\n\
               proxy_buffering off; proxy_request_buffering on; client_body_buffer_size 16k;\n\
             }}\n\
           }}\n\
         }}\n"
    );
    let file = write(folder.join("nginx.conf"), &configuration)?;
    let mut command = Command::new(tools.join("nginx/usr/sbin/nginx"));
    command.arg("-p").arg(folder).arg("-c").arg(file);
    let process = Process::start(command, folder, Stdio::null())?;
    wait_for(address, &process)?;
    Ok(Running { target: Target { address, token: None }, process: Some(process) })
}
