"""The tables of accounts. Times are seconds since the epoch, UTC."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Double, ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from cdss_api.database import Base, Number

_ID = String(64)


class Account(Base):
    """A person; a patient's account carries whose images are their own."""

    __tablename__ = "account"

    account_id: Mapped[str] = mapped_column(_ID, primary_key=True)
    username: Mapped[str] = mapped_column(String(300), unique=True)
    display_name: Mapped[str] = mapped_column(String(128))
    role: Mapped[str] = mapped_column(String(32))
    password_hash: Mapped[str | None] = mapped_column(String(256))  # none: an identity provider vouches
    totp_secret: Mapped[str | None] = mapped_column(String(64))
    totp_confirmed: Mapped[bool]
    totp_step: Mapped[int] = mapped_column(BigInteger)  # the last that was used (RFC 6238 5.2)
    enabled: Mapped[bool]
    patient_id: Mapped[str | None] = mapped_column(String(64))
    issuer: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[float] = mapped_column(Double)
    language: Mapped[str | None] = mapped_column(String(16))  # of pages; none: as each browser asks for
    last_login: Mapped[float | None] = mapped_column(Double)


class Login(Base):
    """A login and all the refresh tokens that came of it, one after the other."""

    __tablename__ = "login"

    login_id: Mapped[str] = mapped_column(_ID, primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.account_id"), index=True)
    created_at: Mapped[float] = mapped_column(Double)
    expires_at: Mapped[float] = mapped_column(Double, index=True)
    ended_at: Mapped[float | None] = mapped_column(Double)


class Guess(Base):
    """A guess at a password or code that was wrong, or is looked at."""

    __tablename__ = "guess"

    number: Mapped[int] = mapped_column(Number, primary_key=True)
    key: Mapped[str] = mapped_column(_ID, index=True)  # a digest of what it is counted under
    at: Mapped[float] = mapped_column(Double, index=True)
    wrong: Mapped[bool]  # else it is looked at


class RefreshToken(Base):
    """A refresh token's hash; the used ones are kept so that a second use shows."""

    __tablename__ = "refresh_token"

    token_hash: Mapped[str] = mapped_column(_ID, primary_key=True)
    login_id: Mapped[str] = mapped_column(ForeignKey("login.login_id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[float] = mapped_column(Double)
    used_at: Mapped[float | None] = mapped_column(Double)


class Grant(Base):
    """An account may see a patient, on one ground."""

    __tablename__ = "patient_grant"
    __table_args__ = (
        UniqueConstraint("account_id", "patient_id", "issuer", "ground"),
        Index("patient_grant_ground", "ground", "until"),
    )

    grant_id: Mapped[str] = mapped_column(_ID, primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.account_id"))
    patient_id: Mapped[str] = mapped_column(String(64))
    issuer: Mapped[str] = mapped_column(String(64))
    ground: Mapped[str] = mapped_column(String(32))
    granted_at: Mapped[float] = mapped_column(Double)
    granted_by: Mapped[str] = mapped_column(String(300))
    until: Mapped[float | None] = mapped_column(Double)
    reason: Mapped[str | None] = mapped_column(Text)


class Ended(Base):
    """A token, login or link that ended before its time."""

    __tablename__ = "revocation"

    ended: Mapped[str] = mapped_column(_ID, primary_key=True)
    until: Mapped[float] = mapped_column(Double, index=True)


class Link(Base):
    """A token for named studies that was handed on; the token itself is not kept."""

    __tablename__ = "study_link"

    link_id: Mapped[str] = mapped_column(_ID, primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.account_id"), index=True)
    key_id: Mapped[str] = mapped_column(_ID)
    studies: Mapped[list[Any]] = mapped_column(JSON)
    may_store: Mapped[bool]
    created_at: Mapped[float] = mapped_column(Double)
    expires_at: Mapped[float] = mapped_column(Double, index=True)
    revoked_at: Mapped[float | None] = mapped_column(Double)


class Modality(Base):
    """A DICOM application entity that may associate with Orthanc."""

    __tablename__ = "modality"

    title: Mapped[str] = mapped_column(String(16), primary_key=True)
    host: Mapped[str] = mapped_column(String(64))
    port: Mapped[int]
    operations: Mapped[list[str]] = mapped_column(JSON)
    issuer: Mapped[str | None] = mapped_column(String(64))
    tls: Mapped[bool] = mapped_column(server_default=false())  # it is called by TLS
    daily_mib: Mapped[int | None]  # that it may store


class SigningKey(Base):
    """A public key; its private half is a file. The newest signs, the others verify until `until`."""

    __tablename__ = "signing_key"

    key_id: Mapped[str] = mapped_column(_ID, primary_key=True)
    x: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[float] = mapped_column(Double)
    until: Mapped[float | None] = mapped_column(Double)


class LoggedChange(Base):
    """A change as the plugin is told it, in the order of `version`."""

    __tablename__ = "change_log"

    version: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    change: Mapped[dict[str, Any]] = mapped_column(JSON)


class Version(Base):
    """The one row that says how far the change log is; whoever changes something holds it until the end."""

    __tablename__ = "change_version"

    one: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(BigInteger)
