"""Expressions over the names of `values`, by theme, one a line."""

from __future__ import annotations

ARITHMETIC = """
x + y
x - row
x * col
row / col
x + v[:, None]
x * w + s
f * 2
f * s
f + x
f32 * s
f32 * fv
f64 + s
i64 ** 2
i64 / 3
i8 + 1
i8 * i8
iv / 2
iv // 2
iv % 3
x % 2.0
s % 0.3
s // 0.3
k + 2
k - 1
k * 2
k // 2
k / 2
k ** 2
k ** -1
k ** k
2 ** k
s ** 2
s ** k
x ** 2
x ** s
i ** 2
-x
+x
-s
-k
~b
not s
b & b
b | b
cs * s
c * x
cs + k
z * 2.0
z + x
z * z
-z
flag + flag
flag * s
x < y
x >= 0
s < 1.0
k == 1
x == y
x != 0.0
f32 < s
text == 'ab'
text is None
x is not None
text + text
text * 2
'%d' % k
divmod(k, 2)
divmod(s, 0.3)
divmod(x, 0.3)
abs(x)
abs(-s)
abs(cs)
abs(k)
abs(f32)
round(s)
round(s, 2)
round(k)
round(f64, 1)
pow(s, 3)
pow(k, 3)
pow(k, 2, 5)
short + short
numbers + numbers
pair + pair
short * 2
numbers * 2
"""

UFUNCS = """
np.sin(x)
np.sin(s)
np.sin(k)
np.sin(z)
np.sin(f)
np.sin(f32)
np.sin(i)
np.exp(c)
np.log(y)
np.sqrt(4)
np.abs(c)
np.absolute(cs)
np.maximum(x, 0.0)
np.minimum(f, 0)
np.maximum(x, row)
np.arctan2(x, col)
np.hypot(s, 2.0)
np.power(x, 2)
np.power(i, 2)
np.add(f, 1)
np.add(v, numbers[0])
np.multiply(short, 2.0)
np.true_divide(k, 2)
np.floor(x)
np.sign(x)
np.square(f)
np.logaddexp(x, y)
np.isnan(x)
np.isfinite(s)
np.isclose(x, y)
np.logical_and(b, x > 0)
np.modf(x)
np.frexp(x)
np.divmod(x, 0.5)
np.where(b, x, 0.0)
np.where(b, x, row)
np.where(flag, s, 1.0)
np.where(x > 0, f, 0)
np.where(b)
np.clip(x, 0.0, 1.0)
np.clip(x, None, row)
np.clip(s, 0.0, 1.0)
np.clip(f, 0, 1)
np.clip(i, 0, 2)
np.real(c)
np.imag(c)
np.real(x)
np.real(s)
np.imag(cs)
np.conj(c)
np.conjugate(x)
np.angle(c)
np.round(x, 2)
np.round(s)
np.around(f)
np.nan_to_num(x)
np.sinc(x)
np.heaviside(x, 0.5)
np.fix(x)
np.float64(s)
np.float32(x)
np.int64(x)
np.float64(k)
np.select([b, x > 0], [x, y])
np.select([x > 1, x < 0], [x, 0.0], 1.0)
np.select([bv], [v], default=s)
np.choose(b + 0, [x, y])
np.add.reduce(x)
np.add.reduce(x, axis=1)
np.multiply.accumulate(x)
np.add.outer(v, w)
np.maximum.reduce(y, axis=0)
np.sin(x, dtype=np.float32)
np.add(x, y, where=b)
math.sin(s)
math.exp(k)
math.floor(s)
math.ceil(s)
math.trunc(s)
math.sqrt(f64)
math.pow(s, 2)
math.atan2(s, 1.0)
math.hypot(s, s, s)
math.log(s)
math.log(s, 2)
math.acosh(s + 2)
math.atanh(s)
math.acos(s)
math.isnan(s)
math.factorial(k)
math.gcd(k, 4)
math.comb(5, k)
math.isqrt(k)
math.modf(s)
math.frexp(s)
math.copysign(s, -1)
math.fsum(numbers)
math.prod(numbers)
math.prod([s, k, 2.0])
math.dist([s, 1.0], [0.0, s])
math.sin(z)
math.sin(k)
math.degrees(f64)
"""

REDUCTIONS = """
np.sum(x)
np.sum(x, axis=0)
np.sum(x, 1)
np.sum(x, -1)
np.sum(x, axis=(0, 1))
np.sum(t, axis=(0, 2))
np.sum(x, keepdims=True)
np.sum(x, axis=0, keepdims=True)
np.sum(i)
np.sum(i8)
np.sum(b)
np.sum(b, axis=0)
np.sum(f)
np.sum(f, dtype=np.float64)
np.sum(x, axis=0, dtype=np.float32)
np.sum(s)
np.sum(z)
np.sum(numbers)
np.sum(vectors)
np.sum(vectors, axis=0)
np.sum(short, axis=0)
np.sum(x, where=b)
np.sum(x, axis=0, where=b)
np.sum(x, initial=1.0)
np.prod(x, axis=0)
np.prod(i)
np.mean(x)
np.mean(i)
np.mean(i, axis=0)
np.mean(f)
np.mean(f, axis=1, keepdims=True)
np.mean(c, axis=0)
np.mean(numbers)
np.std(x)
np.std(x, axis=0, ddof=1)
np.std(f)
np.var(c)
np.var(x, axis=-1, keepdims=True)
np.max(x)
np.max(x, axis=0)
np.min(i, axis=1)
np.max(f)
np.amax(x)
np.ptp(x)
np.ptp(x, axis=0)
np.any(b)
np.all(b, axis=0)
np.any(x > 0)
np.median(x)
np.median(x, axis=0)
np.median(f)
np.quantile(x, 0.5)
np.quantile(x, [0.25, 0.75], axis=0)
np.percentile(x, 50, axis=1)
np.percentile(x, 50)
np.quantile(x, s)
np.average(x)
np.average(x, axis=0)
np.average(x, weights=y)
np.average(x, axis=0, weights=u)
np.average(v, weights=u)
np.nansum(x)
np.nanmean(x, axis=0)
np.nanmax(x)
np.nanstd(x, axis=1)
np.nanmedian(x)
np.count_nonzero(b)
np.count_nonzero(b, axis=0)
np.argmax(x)
np.argmax(x, axis=0)
np.argmin(v)
np.argmax(x, axis=1, keepdims=True)
np.cumsum(x)
np.cumsum(x, axis=0)
np.cumsum(v)
np.cumsum(i8)
np.cumprod(x, axis=1)
np.diff(v)
np.diff(x)
np.diff(x, axis=0)
np.diff(x, n=2, axis=0)
np.diff(v, prepend=0.0)
np.ediff1d(v)
np.gradient(v)
np.gradient(x)
np.gradient(x, axis=0)
np.gradient(v, 0.5)
np.gradient(v, u)
np.cov(x)
np.cov(v, u)
np.corrcoef(x)
np.corrcoef(v, u)
np.cov(x, rowvar=False)
np.unwrap(v)
np.allclose(x, y)
np.array_equal(x, y)
x.sum()
x.sum(0)
x.sum(axis=1, keepdims=True)
x.mean()
x.mean(axis=0)
x.std(ddof=1)
x.var(axis=0)
x.max()
x.min(axis=1)
x.argmax()
x.argmin(axis=0)
x.cumsum(axis=0)
x.prod()
b.any()
b.all(axis=0)
f64.sum()
f.mean()
i8.sum()
i8.mean()
"""

SHAPING = """
np.reshape(x, (-1,))
np.reshape(x, -1)
np.reshape(x, (m, n))
np.reshape(v, (n, 1))
np.reshape(v, (-1, 1))
np.reshape(t, (2, -1))
np.reshape(v3, (3, -1))
np.reshape(v3, (-1, 3, 1))
np.reshape(x, x.shape)
np.reshape(x, (n * m,))
np.reshape(x, x.shape[::-1])
np.reshape(x, (x.shape[0], -1))
np.reshape(x, (k, -1))
np.reshape(s, (1, 1))
x.reshape(-1)
x.reshape(m, n)
x.reshape(n, -1)
x.reshape((m, n))
x.reshape(-1, 1)
t.reshape(2, n * m)
t.reshape(2 * n, m)
x.ravel()
x.flatten()
v.ravel()
z.ravel()
np.ravel(x)
np.ravel(row)
np.transpose(x)
np.transpose(t, (2, 0, 1))
np.transpose(t, axes=(0, 2, 1))
x.T
t.T
v.T
x.transpose()
t.transpose(1, 0, 2)
t.transpose((1, 0, 2))
np.swapaxes(t, 0, -1)
t.swapaxes(0, 1)
np.moveaxis(t, 0, -1)
np.moveaxis(t, [0, 1], [1, 0])
np.rollaxis(t, 2)
np.squeeze(row)
np.squeeze(row, axis=0)
np.squeeze(x)
np.squeeze(x[:1])
np.squeeze(col, axis=-1)
row.squeeze()
np.expand_dims(x, 0)
np.expand_dims(v, axis=-1)
np.expand_dims(v, (0, 2))
np.broadcast_to(v, (3, n))
np.broadcast_to(row, (n, m))
np.broadcast_to(s, (n, m))
np.broadcast_to(w, x.shape)
np.broadcast_arrays(row, col)
np.tile(v, 2)
np.tile(x, (2, 1))
np.tile(v, (n, 1))
np.repeat(v, 2)
np.repeat(x, 3)
np.repeat(x, 2, axis=0)
np.repeat(v, iv)
np.repeat(v, k)
v.repeat(2)
np.roll(x, 1)
np.roll(v, k)
np.roll(x, 1, axis=0)
np.roll(x, (1, 2), axis=(0, 1))
np.flip(x)
np.flip(x, axis=0)
np.fliplr(x)
np.flipud(x)
np.rot90(x)
np.rot90(x, 2)
np.atleast_1d(s)
np.atleast_1d(v)
np.atleast_2d(v)
np.atleast_3d(x)
np.pad(v, 1)
np.pad(x, ((1, 1), (0, 2)))
np.pad(v, (1, 2), mode='edge')
np.pad(x, 1, mode='reflect')
np.tril(A)
np.triu(x, 1)
np.diag(v)
np.diag(A)
np.diag(x)
np.diag(v, 1)
np.diagonal(A)
np.diagonal(t, axis1=1, axis2=2)
np.diagflat(v)
np.trace(A)
A.trace()
A.diagonal()
x.astype(np.float32)
i.astype(float)
x.astype(int)
f64.astype(np.float32)
x.copy()
f64.copy()
x.clip(0.0, 1.0)
x.clip(min=0.0)
x.round(2)
c.conj()
c.real
c.imag
x.real
z.item()
f64.item()
v.tolist()
x.tolist()
"""

INDEXING = """
x[0]
x[-1]
x[k]
x[0, 0]
x[0][0]
x[k, k]
x[0, -1]
v[0]
v[i64]
x[:]
x[...]
x[..., 0]
x[0, ...]
v[..., 0]
v[0, ...]
x[None]
x[:, None]
v[:, None]
v[None, :]
x[..., None]
v[:, np.newaxis]
x[1:]
x[:-1]
x[1:-1]
x[2:]
x[:, 1:]
x[1:, :-1]
v[1:] - v[:-1]
v[2:] - 2 * v[1:-1] + v[:-2]
x[1:, 1:] + x[:-1, :-1]
v[::-1]
v[::2]
v[1::2]
v[:1]
v[-1:]
v[:3]
v[-2:]
v[-3:-1]
v[3:1]
v[::-2]
v[-2::-1]
v[:0:-1]
v[3::-1]
v[:n]
v[:n - 1]
v[:n - 2]
v[:n - 3]
v[:x.shape[0]]
v[:v.shape[0] - 1]
v[:v.shape[0] - 3]
v[:len(v) - 2]
v[k:]
v[:k]
v[k:k + 2]
v[n // 2:]
v[:len(v) // 2]
v[slice(1, None)]
x[slice(None), 0]
x[:, 0]
x[:, -1]
x[:, k]
x[0, 1:]
x[b]
v[bv]
x[bv]
x[bv, 0]
x[:, w > 0]
x[x > 0]
v[iv]
x[iv]
x[iv, 0]
x[iv, iv % m]
x[:, iv % m]
t[0, iv]
t[:, iv]
t[:, iv, 0]
t[0, :, iv % m]
t[iv % 2, :, 0]
v[[0, 0]]
x[[0, 1], [1, 0]]
v[iv[:, None]]
x[np.arange(n), iv % m]
x[np.ix_(iv, iv % m)]
v[np.array(0)]
v3[:, :2]
v3[:, 1]
v3[:, 1:]
v3[..., ::-1]
z[()]
z[...]
z[None]
f[0]
i[0, 0]
c[1:]
np.take(v, iv)
np.take(x, iv, axis=0)
np.take(x, 0, axis=1)
np.take(x, [0, 0], axis=-1)
np.take(v, 0)
np.take(x, iv)
x.take(0)
np.take_along_axis(x, np.argsort(x, axis=0), axis=0)
np.take_along_axis(x, np.argmax(x, axis=1, keepdims=True), 1)
np.take_along_axis(x, np.argmax(x, axis=1)[:, None], axis=1)
np.compress(bv, x, axis=0)
np.extract(b, x)
np.delete(v, 0)
np.delete(x, 1, axis=0)
np.insert(v, 0, 1.0)
np.insert(v, [0, 1], 1.0)
np.insert(v, iv, u)
np.insert(x, 0, s, axis=0)
np.insert(x, 0, s)
np.trim_zeros(iv)
np.unravel_index(np.argmax(x), x.shape)
np.unravel_index(np.argmax(v), v.shape)
np.unravel_index(iv % 3, (3, 4))
np.ravel_multi_index((iv % 3, iv % 3), (3, 3))
np.ix_(bv, w > 0)
x[np.ix_(bv, w > 0)]
np.append(v, 1.0)
np.append(v, u)
np.append(x, row, axis=0)
pair[0]
pair[1]
pair[-1]
pair[:1]
short[0]
short[k]
short[1:]
numbers[0]
numbers[k]
numbers[1:]
vectors[0]
vectors[k]
vectors[k] + vectors[0]
table['w']
table['w'] @ table['b']
text[0]
x.shape
x.shape[0]
x.shape[-1]
x.shape[1:]
x.ndim
x.size
x.dtype
v.size
s.real
cs.imag
k.real
f64.real
z.shape
z.ndim
f64.shape
len(x)
len(pair)
len(short)
len(numbers)
len(table)
len(v[1:])
np.shape(x)
np.ndim(x)
np.ndim(s)
np.shape(s)
np.shape(numbers)
np.size(x)
np.size(x, 0)
range(n)
range(len(v))
range(1, n)
range(0, n)
range(n, 0, -1)
range(len(v) - 1)
range(3)
"""

JOINING = """
np.concatenate([v, u])
np.concatenate((v, w))
np.concatenate([x, y])
np.concatenate([x, y], axis=1)
np.concatenate([x, row])
np.concatenate([x, col], axis=-1)
np.concatenate(vectors)
np.concatenate([x, y], axis=None)
np.concatenate([v, [1.0]])
np.concatenate(([0.0], v[1:]))
np.concatenate([f, x])
np.stack([v, u])
np.stack([v, u], axis=1)
np.stack((x, y), axis=-1)
np.stack(vectors)
np.stack(short)
np.vstack([v, u])
np.vstack([x, row])
np.hstack([v, u])
np.hstack([x, col])
np.hstack([s, k])
np.dstack([x, y])
np.column_stack([v, u])
np.column_stack((v, x))
np.block([[A, x], [B, row.T @ row]])
np.split(t, 2)
np.split(v3, 3, axis=1)
np.split(v, [1, 2])
np.array_split(v, 3)
np.hsplit(v3, 3)
np.vsplit(t, 2)
np.array([s, k, 1.0])
np.array([s, s])
np.array([k, 2])
np.array([1, 2, 3])
np.array([[s, 1.0], [2.0, k]])
np.array((s, 2 * s))
np.array(numbers)
np.array(vectors)
np.array(short)
np.array([v, u])
np.array(x)
np.array(x, dtype=np.float32)
np.array(s)
np.array([s, cs])
np.array([s], dtype=np.float32)
np.array([[v, u], [u, v]])
np.array(range(4))
np.array(range(n))
np.array([f32, f32])
np.asarray(x)
np.asarray(s)
np.asarray(i, dtype=float)
np.asarray([f64, s])
np.asanyarray(x)
np.ascontiguousarray(x)
np.copy(x)
"""

PRODUCTS = """
x @ B
B @ x
v @ x
x @ w
v @ u
A @ v
A @ A
t @ w
t @ B
t @ np.swapaxes(t, 1, 2)
x.T @ y
f @ w
i @ B
c @ B
np.matmul(x, B)
np.dot(x, B)
np.dot(v, u)
np.dot(x, w)
np.dot(s, x)
np.dot(s, k)
np.dot(t, B)
np.dot(v, x)
x.dot(w)
v.dot(u)
np.inner(v, u)
np.inner(x, y)
np.inner(x, s)
np.outer(v, w)
np.outer(x, w)
np.vdot(v, u)
np.vdot(x, y)
np.tensordot(x, B, axes=1)
np.tensordot(x, y, axes=2)
np.tensordot(t, x, axes=([1, 2], [0, 1]))
np.tensordot(v, w, axes=0)
np.tensordot(x, y, axes=(0, 0))
np.einsum('ij,jk->ik', x, B)
np.einsum('ij,ij->i', x, y)
np.einsum('ij,ij', x, y)
np.einsum('ij->ji', x)
np.einsum('ij->', x)
np.einsum('i,j->ij', v, w)
np.einsum('ii->i', A)
np.einsum('ii', A)
np.einsum('ij,j', x, w)
np.einsum('...j,j->...', t, w)
np.einsum('bij,jk->bik', t, B)
np.einsum('i...->...', x)
np.einsum('i,ij,j->', v, x, w)
np.kron(v, w)
np.kron(x, y)
np.cross(v3, v3)
np.cross(v3[0], v3[0])
np.convolve(v, w)
np.convolve(v, w, mode='same')
np.convolve(v, w, 'valid')
np.correlate(v, w)
np.polyval([1.0, s, 2.0], v)
np.polyval(w, s)
np.polyval(w, v)
np.polyfit(v, u, 1)
np.polyadd([1.0, s], v)
np.polymul(v, w)
np.vander(v)
np.vander(v, 3)
np.interp(s, np.sort(v), u)
np.interp(x, np.sort(v), u)
np.linalg.norm(x)
np.linalg.norm(v)
np.linalg.norm(x, axis=0)
np.linalg.norm(x, axis=1, keepdims=True)
np.linalg.norm(v, ord=1)
np.linalg.norm(x, 'fro')
np.linalg.norm(f)
np.linalg.norm(i)
np.linalg.inv(A)
np.linalg.pinv(x)
np.linalg.det(A)
np.linalg.slogdet(A)
np.linalg.solve(A, v)
np.linalg.solve(A, x)
np.linalg.lstsq(x, v)
np.linalg.lstsq(x, v, rcond=None)[0]
np.linalg.cholesky(A)
np.linalg.eigh(A)
np.linalg.eigvalsh(A)
np.linalg.eigh(A)[1]
np.linalg.svd(x)
np.linalg.svd(x, full_matrices=False)
np.linalg.svd(x, compute_uv=False)
np.linalg.qr(x)
np.linalg.qr(A)
np.linalg.matrix_power(A, 3)
np.linalg.multi_dot([x, B, x])
np.linalg.matrix_rank(x)
np.linalg.cond(A)
np.linalg.inv(A.astype(np.float32))
np.linalg.inv(np.stack([A, A]))
"""

CREATION = """
np.zeros(n)
np.zeros((n, m))
np.zeros((n, 3))
np.zeros(x.shape)
np.zeros(x.shape[0])
np.zeros(x.shape[1:])
np.zeros(n - 1)
np.zeros(n + 1)
np.zeros(len(v) + 1)
np.zeros(len(v) - 1)
np.zeros(n + 1)[1:] + v
np.zeros(3)
np.zeros(3, dtype=int)
np.zeros((2, 3), dtype=np.float32)
np.zeros(())
np.zeros([2, n])
np.zeros(n * 2)
np.ones(n)
np.ones((n, m), dtype=bool)
np.full(n, s)
np.full((n, m), 0)
np.full(x.shape, s, dtype=np.float32)
np.full(3, cs)
np.empty(n)
np.zeros_like(x)
np.zeros_like(s)
np.zeros_like(i)
np.zeros_like(f)
np.zeros_like(x, dtype=int)
np.ones_like(v)
np.full_like(x, 2)
np.empty_like(v)
np.eye(3)
np.eye(n)
np.eye(n, m)
np.eye(len(v))
np.identity(n)
np.arange(5)
np.arange(n)
np.arange(1, n)
np.arange(0, n)
np.arange(0, 10, 2)
np.arange(0.0, 1.0, 0.1)
np.arange(s)
np.arange(0, s, 0.1)
np.arange(len(v)) * v
np.arange(n, dtype=float)
np.linspace(0, 1, 5)
np.linspace(0, 1, n)
np.linspace(s, 2.0)
np.linspace(0.0, s, len(v)) * v
np.linspace(0, 1, n + 1)
np.linspace(0, 1, 5, endpoint=False)
np.linspace(0, 1, 5, retstep=True)
np.logspace(0, 1, n)
np.geomspace(1.0, 10.0, 4)
np.meshgrid(v, w)
np.meshgrid(v, w, indexing='ij')
np.indices((2, 3))
np.tri(3)
np.tri(n)
np.tril_indices(3)
np.triu_indices(n)
np.tril_indices(n, -1)
np.ix_(iv, iv)
np.fromiter(numbers, dtype=float)
np.hanning(n)
"""

SELECTION = """
np.sort(x)
np.sort(x, axis=0)
np.sort(x, axis=None)
np.sort(numbers)
np.argsort(v)
np.argsort(x, axis=0)
x.argsort(axis=0)
np.partition(v, 1)
np.partition(x, 0, axis=0)
np.argpartition(v, 1)
np.lexsort((v, u))
np.searchsorted(np.sort(v), u)
np.searchsorted(np.sort(v), 0.5)
np.searchsorted(np.sort(v), s)
np.digitize(x, np.array([0.0, 1.0]))
np.digitize(s, np.array([0.0, 1.0]))
np.bincount(iv)
np.bincount(iv, weights=v)
np.histogram(v)
np.histogram(v, bins=5)
np.histogram(v, bins=np.array([0.0, 0.5, 1.0]))
np.unique(i)
np.unique(i8, return_counts=True)
np.unique(v, return_inverse=True)
np.nonzero(b)
np.nonzero(v)
np.argwhere(b)
np.flatnonzero(b)
np.isin(i, [1, 2])
np.union1d(v, u)
np.tril(x)
np.fft.fft(v)
np.fft.fft(x, axis=0)
np.fft.ifft(v)
np.fft.rfft(v)
np.fft.rfft(v, n=8)
np.fft.irfft(np.fft.rfft(v))
np.fft.irfft(np.fft.rfft(v), n)
np.fft.fft(v, n)
np.fft.fft2(x)
np.fft.fftfreq(n)
np.fft.fftfreq(n, s)
np.fft.rfftfreq(n)
np.fft.fftshift(x)
np.fft.fft(fv)
np.random.rand(n, 3)
np.random.randn(n)
np.random.randn()
np.random.normal()
np.random.normal(0.0, 1.0, n)
np.random.normal(size=(n, 3))
np.random.normal(v, 1.0)
np.random.uniform(0, 1, size=x.shape)
np.random.random(3)
np.random.randint(0, 5)
np.random.randint(0, 5, size=n)
np.random.choice(5, n)
np.random.choice(v)
np.random.choice(v, 3)
np.random.permutation(n)
np.random.permutation(v)
np.random.multivariate_normal(v, A)
np.random.seed(0)
"""

PYTHON = """
float(s)
float(k)
float(f64)
float(z)
float('1.5')
int(s)
int(k)
int(len(v))
int(i64)
bool(s)
complex(s)
complex(s, k)
float(x.sum())
sum(numbers)
sum([s, s, k])
sum([k, k])
sum(v)
sum(t)
sum(short)
sum(vectors)
sum([], 0.0)
sum(numbers, 1.0)
max(s, 1.0)
max(s, k)
max(0, s)
max(numbers)
min(v)
max([s, 2.0])
min(k, n)
min(f64, s)
sorted(numbers)
sorted([s, 2.0, 1.0])
sorted(v)
any(bv)
all([flag, s > 0])
str(s)
repr(x)
print()
list(v)
list(range(3))
list(range(n))
tuple([s, k])
tuple(x.shape)
list(pair)
list(reversed(short))
list(zip(v, u))
list(zip(numbers, v))
list(zip(short, pair))
list(enumerate(v))
list(enumerate(short))
isinstance(x, float)
id(x)
operator.add(s, 1)
operator.getitem(v, 0)
operator.neg(x)
prims.make_tuple(s, x)
prims.make_list(s, k)
prims.unpack(short, 2)
prims.unpack(pair, 2)
prims.index_add(x, 0, w)
prims.index_set(v, 0, s)
prims.list_append(numbers, s)
prims.list_append(short, v)
prims.list_init(numbers)
prims.list_init(short)
prims.dim(x, 1)
prims.copy_value(x)
prims.astype(x, np.float32)
prims.item(f64)
prims.flatten(x)
dict(a=s, b=k)
dict(table)
helpers.unbroadcast(x, row)
helpers.unbroadcast(x, w)
helpers.unbroadcast(x, s)
helpers.unbroadcast(s, f)
helpers.unbroadcast(x, f32)
helpers.unbroadcast(c, x)
helpers.unbroadcast(x, k)
helpers.project(x, f)
helpers.project(c, i)
helpers.project(s, f64)
helpers.project(f64, s)
helpers.zeros_like(table)
helpers.zeros_like(pair)
helpers.zeros_like(flag)
helpers.zeros_like(vectors)
helpers.add(pair, pair)
helpers.add(table, table)
helpers.add(None, x)
helpers.add(x, row)
scans.recurrence(x, y, 0)
"""


THEMES = (
    "ARITHMETIC",
    "UFUNCS",
    "REDUCTIONS",
    "SHAPING",
    "INDEXING",
    "JOINING",
    "PRODUCTS",
    "CREATION",
    "SELECTION",
    "PYTHON",
)


def lines(theme: str) -> list[str]:
    """Return the expressions of a theme."""
    return [line for line in str(globals()[theme]).splitlines() if line.strip()]


def everything() -> list[str]:
    """Return all expressions, each once."""
    return list(dict.fromkeys(line for theme in THEMES for line in lines(theme)))
