{{ config(materialized='view') }}

with

keys as (

    select
        name,
        {{ account_mapping.letters_and_digits('name') }} as canonical_key,
        {{ account_mapping.letters_and_digits('alias') }} as alias_key

    from {{ ref('account_mapping__name_aliases') }}

),

-- whatever case the rows of one company are written in
aliases as (

    select
        alias_key,
        canonical_key,
        min(name) over (partition by canonical_key) as name

    from keys

),

-- a name stands for itself too
named as (

    select
        alias_key as name_key,
        canonical_key,
        name

    from aliases

    union all

    select
        canonical_key as name_key,
        canonical_key,
        name

    from aliases

),

-- a name of two companies tells neither
final as (

    select
        name_key,
        min(canonical_key) as canonical_key,
        min(name) as canonical_name

    from named
    where
        name_key <> ''
        and canonical_key <> ''
    group by name_key
    having min(canonical_key) = max(canonical_key)

)

select * from final
