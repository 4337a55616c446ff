with

duplicate_pairs as (

    select * from {{ ref('int_account_mapping__duplicate_pairs') }}

),

members as (

    select * from {{ ref('int_account_mapping__members') }}
    where
        side = 'ours'
        and scope = '*'

),

unit_links as (

    select
        *,
        {{ account_mapping.row_hash(['partner_id', 'rollup', 'our_unit_id']) }} as our_hash,
        {{ account_mapping.row_hash(['partner_id', 'rollup', 'partner_unit_id']) }} as partner_hash

    from {{ ref('int_account_mapping__unit_links') }}

),

repeated_ours as (

    select our_hash
    from unit_links
    group by our_hash
    having count(*) > 1

),

repeated_theirs as (

    select partner_hash
    from unit_links
    group by partner_hash
    having count(*) > 1

),

-- most links are the only one of both units: a group of two that nobody has to search for. Two units of one hash
-- only bring such a pair along
branching as (

    select unit_links.*
    from unit_links
    left join repeated_ours
        on unit_links.our_hash = repeated_ours.our_hash
    left join repeated_theirs
        on unit_links.partner_hash = repeated_theirs.partner_hash
    where
        repeated_ours.our_hash is not null
        or repeated_theirs.partner_hash is not null

),

grouping_keys as (

    select 'companies' as grouping_key
    union all
    select 'company_families' as grouping_key

),

-- over all partners our records are one company, or one family, where one account or family of theirs has both
shared_units as (

    select
        case when rollup = 'account' then 'companies' else 'company_families' end as grouping_key,
        our_unit_id as node,
        min(our_unit_id) over (partition by partner_id, rollup, partner_unit_id) as other_node

    from branching

    union all

    select
        'company_families' as grouping_key,
        account_id as node,
        unit_id as other_node

    from members

),

final as (

    select
        'duplicates' as grouping_key,
        account_id as node,
        other_account_id as other_node

    from duplicate_pairs

    union all

    -- families of which one has a duplicate in the other
    select distinct
        'families' as grouping_key,
        unit_id as node,
        other_unit_id as other_node

    from duplicate_pairs

    union all

    select
        grouping_keys.grouping_key,
        duplicate_pairs.account_id as node,
        duplicate_pairs.other_account_id as other_node

    from duplicate_pairs
    cross join grouping_keys

    union all

    select distinct
        grouping_key,
        node,
        other_node

    from shared_units
    where node <> other_node

    union all

    -- the sides' ids may be spelled alike: a letter in front keeps them apart
    select
        partner_id || ' ' || rollup as grouping_key,
        'o' || our_unit_id as node,
        'p' || partner_unit_id as other_node

    from branching

)

select * from final
