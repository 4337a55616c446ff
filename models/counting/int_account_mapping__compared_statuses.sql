with

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

units as (

    select * from {{ ref('int_account_mapping__units') }}
    where rollup = 'account'

),

-- under hashes a status is compared only if an agreement lets it be: ours leave or are counted, theirs come
agreements_in_force as (

    select * from {{ ref('int_account_mapping__agreements_in_force') }}

),

own_key_rows as (

    select * from {{ ref('int_account_mapping__key_rows') }}
    where
        side = 'ours'
        and problem is null

),

offered_statuses as (

    select
        partner_id,
        {{ account_mapping.status_rank('our_status') }} as status_rank

    from agreements_in_force
    where
        direction = 'out'
        and sharing_level <> 'hidden'

    union

    -- in a clean room our side came hashed: what it says may be compared
    select
        partner_id,
        {{ account_mapping.status_rank('status') }} as status_rank

    from own_key_rows

),

received_statuses as (

    select
        partner_id,
        {{ account_mapping.status_rank('partner_status') }} as status_rank,
        max(case when sharing_level in ('overlapping', 'all') then 1 else 0 end) = 1 as is_received

    from agreements_in_force
    where
        direction = 'in'
        and partner_status <> 'not_shared'
    group by partner_id, partner_status

),

receiving_partners as (

    select distinct partner_id from received_statuses
    where is_received

),

our_statuses as (

    select distinct
        partners.partner_id,
        units.status_rank,
        partners.exchange = 'keys' and offered_statuses.status_rank is null as is_hidden

    from partners
    inner join units
        on
            units.side = 'ours'
            and partners.account_scope = units.scope
    left join offered_statuses
        on
            partners.partner_id = offered_statuses.partner_id
            and units.status_rank = offered_statuses.status_rank

),

partner_statuses as (

    select distinct
        scope as partner_id,
        status_rank,
        false as is_hidden

    from units
    where side = 'partner'

    union all

    -- statuses that a partner which does send keys withholds: unknown, not zero
    select
        received_statuses.partner_id,
        received_statuses.status_rank,
        true as is_hidden

    from received_statuses
    inner join receiving_partners
        on received_statuses.partner_id = receiving_partners.partner_id
    inner join partners
        on
            received_statuses.partner_id = partners.partner_id
            and partners.exchange = 'keys'
    left join units
        on
            units.side = 'partner'
            and received_statuses.partner_id = units.scope
            and received_statuses.status_rank = units.status_rank
    where
        not received_statuses.is_received
        and units.unit_id is null

),

final as (

    select
        partner_id,
        'ours' as side,
        status_rank,
        is_hidden

    from our_statuses

    union all

    select
        partner_id,
        'partner' as side,
        status_rank,
        is_hidden

    from partner_statuses

)

select * from final
