"""FastAPI over asyncpg, as its users serve a stored row: `uvicorn benchmarks.peers.fastapi_app:app --workers 2`."""

import hashlib
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated

import asyncpg
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel

FEATURE_SET = int(os.environ["BENCH_FEATURE_SET"])
READ = "SELECT entity_id, as_of, computed_at, source_rows, vals FROM model_features"


KEY = """
SELECT u.id, u.role FROM accounts_apikey k JOIN accounts_user u ON u.id = k.user_id
WHERE k.digest = $1 AND k.revoked_at IS NULL AND u.is_active
"""


class Activity(BaseModel):
    events: int
    amount_sum: float
    amount_mean: float | None
    amount_stddev: float | None
    amount_min: float | None
    amount_max: float | None
    days_since_last: float | None
    kinds: int
    events_30d: int
    amount_sum_90d: float


class Features(BaseModel):
    entity_id: str
    features: Activity
    as_of: datetime
    computed_at: datetime
    source_rows: int


class Asked(BaseModel):
    entity_ids: list[str]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=2, max_size=10) as app.state.pool:
        yield


app = FastAPI(lifespan=lifespan)


def answer(row: asyncpg.Record) -> Features:
    return Features(**{**row, "features": json.loads(row["vals"])})


@app.get("/healthz")
async def health() -> dict[str, bool]:
    return {"up": True}


@app.get("/features/{entity_id}", response_model=Features)
async def one(entity_id: str) -> Features:
    row = await app.state.pool.fetchrow(f"{READ} WHERE feature_set_id = $1 AND entity_id = $2", FEATURE_SET, entity_id)
    if row is None:
        raise HTTPException(404)
    return answer(row)


async def reader(given: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]) -> asyncpg.Record:
    """Who holds the key, if their role may read; that a service counts its requests is left out."""
    found = await app.state.pool.fetchrow(KEY, hashlib.sha256(given.credentials.encode()).hexdigest())
    if found is None:
        raise HTTPException(401)
    if found["role"] not in {"service", "analyst", "operator", "admin"}:
        raise HTTPException(403)
    return found


@app.get("/keyed/features/{entity_id}", response_model=Features, dependencies=[Depends(reader)])
async def one_with_key(entity_id: str) -> Features:
    return await one(entity_id)


@app.post("/features", response_model=list[Features])
async def many(asked: Asked) -> list[Features]:
    found = await app.state.pool.fetch(
        f"{READ} WHERE feature_set_id = $1 AND entity_id = ANY($2)", FEATURE_SET, asked.entity_ids
    )
    return [answer(row) for row in found]
