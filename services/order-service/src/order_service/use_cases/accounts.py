"""What people do with marketplace accounts: connect, change, rotate secrets, pause, check."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

from order_service.domain.errors import OrderError
from order_service.use_cases.marketplace import Marketplace
from order_service.use_cases.ports import Account, NotFound, Secrets, Transaction

CHECK_JOB = "marketplace.check"
#: One signs while the other takes over.
WEBHOOK_SECRETS = 2


class AccountRefused(OrderError):
    """The account cannot be kept as it was given. Arguments: a sentence for each thing that is wrong, naming
    options and secrets, never their values.
    """


@dataclass(frozen=True, slots=True)
class GivenSecrets:
    """Secrets as a person gives them; what is left out stays as it is."""

    webhook: tuple[str, ...] | None = field(default=None, repr=False)
    access_token: str | None = field(default=None, repr=False)
    named: Mapping[str, str] = field(default_factory=dict, repr=False)

    def over(self, known: Secrets) -> Secrets:
        return Secrets(
            webhook=known.webhook if self.webhook is None else self.webhook,
            access_token=known.access_token if self.access_token is None else self.access_token,
            named={**known.named, **self.named},
        )


async def keep_account(
    given: Account, secrets: GivenSecrets, platform: Marketplace, *, tx: Transaction
) -> Account:
    """Connect an account, or change it. Raises AccountRefused, Conflict."""
    try:
        known = (await tx.accounts.get(given.merchant_id, given.account)).secrets
    except NotFound:
        known = Secrets()
    account = replace(given, secrets=secrets.over(known))
    _refuse_if(missing_or_wrong(account, platform))
    await tx.accounts.put(account)
    await tx.tokens.try_again(account)
    return account


async def rotate_secrets(
    merchant_id: str,
    name: str,
    given: GivenSecrets,
    platforms: Mapping[str, Marketplace],
    *,
    keep_old: bool,
    tx: Transaction,
) -> Account:
    """Put new secrets in the place of old ones. `keep_old`: deliveries signed with the webhook secret of
    before are still taken. Raises NotFound, AccountRefused.
    """
    account = await tx.accounts.get(merchant_id, name)
    if given.webhook is not None and keep_old:
        given = replace(given, webhook=(*given.webhook, *account.secrets.webhook)[:WEBHOOK_SECRETS])
    changed = replace(account, secrets=given.over(account.secrets))
    _refuse_if(missing_or_wrong(changed, platforms[account.platform]))
    await tx.accounts.put(changed)
    await tx.tokens.try_again(changed)
    return changed


async def pause_account(merchant_id: str, name: str, because: str, *, tx: Transaction) -> Account:
    """Make no more calls to the platform. What it sends is taken all the same. Safe to repeat."""
    account = await tx.accounts.get(merchant_id, name)
    await tx.jobs.pause(account.destination, because=because)
    return replace(account, paused=because)


async def resume_account(merchant_id: str, name: str, *, tx: Transaction) -> Account:
    """Let the calls that waited go on. Safe to repeat."""
    account = await tx.accounts.get(merchant_id, name)
    await tx.jobs.resume(account.destination)
    return replace(account, paused=None)


async def ask_for_check(
    merchant_id: str, name: str, platforms: Mapping[str, Marketplace], *, tx: Transaction
) -> UUID:
    """Have the platform asked whether the credentials open this shop; a paused account's, too.

    Raises NotFound, AccountRefused.
    """
    account = await tx.accounts.get(merchant_id, name)
    platform = platforms[account.platform]
    _refuse_if(missing_or_wrong(account, platform))
    if platform.open_checker is None:
        raise AccountRefused(f"{platform.code} offers no call to check credentials with")
    check_id = tx.new_id()
    await tx.accounts.begin_check(merchant_id, name, check_id)
    await tx.jobs.add(
        CHECK_JOB,
        str(check_id),
        merchant_id=merchant_id,
        destination=f"{account.destination}:check",
        payload={"account": name},
    )
    return check_id


def missing_or_wrong(account: Account, platform: Marketplace) -> list[str]:
    """What the platform's folder asks for and the account does not have, a sentence each."""
    wrong = []
    if platform.signed and not account.secrets.webhook:
        wrong.append("the secret its webhooks are signed with is missing (webhook_secrets)")
    for given, secret, kind in (
        (account.options, False, "option"),
        (account.secrets.named, True, "secret"),
    ):
        known = {one.name: one for one in platform.asks if one.secret is secret}
        for name in sorted(given.keys() - known.keys()):
            there_are = ", ".join(sorted(known)) or "none"
            wrong.append(f"{platform.code} knows no {kind} {name}; there are: {there_are}")
        for name, asked in known.items():
            if name not in given:
                if asked.required:
                    wrong.append(f"{kind} {name} is missing: {asked.description}")
            elif asked.pattern is not None and re.fullmatch(asked.pattern, given[name]) is None:
                wrong.append(f"{kind} {name} has not the form {asked.pattern}: {asked.description}")
    return wrong


def _refuse_if(wrong: list[str]) -> None:
    if wrong:
        raise AccountRefused(*wrong)
