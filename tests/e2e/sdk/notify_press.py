"""What Slack sends when somebody presses a button, signed by the vendor's own class. Prints one JSON object.

Usage: notify_press.py SECRET AGE USER TEAM ACTION APPROVAL
"""

import json
import sys
import time
import urllib.parse

from slack_sdk.signature import SignatureVerifier

secret, age, user, team, action, approval = sys.argv[1:]
payload = {
    "type": "block_actions",
    "team": {"id": "T0CORP", "domain": "corp"},
    "user": {"id": user, "username": "somebody", "team_id": team},
    "api_app_id": "A0CORP",
    "container": {"type": "message", "message_ts": "1700000000.000100", "channel_id": "C0APPROVALS"},
    "channel": {"id": "C0APPROVALS", "name": "approvals"},
    "response_url": "http://127.0.0.1:9/elsewhere",
    "nonce": time.time_ns(),
    "actions": [{"type": "button", "action_id": action, "value": approval, "block_id": "b", "action_ts": "1.1"}],
}
body = urllib.parse.urlencode({"payload": json.dumps(payload)})
timestamp = str(int(time.time()) - int(age))
verifier = SignatureVerifier(secret)
signature = verifier.generate_signature(timestamp=timestamp, body=body)
headers = {"x-slack-request-timestamp": timestamp, "x-slack-signature": signature}
print(json.dumps({"body": body, "headers": headers, "valid": verifier.is_valid_request(body, headers)}))
