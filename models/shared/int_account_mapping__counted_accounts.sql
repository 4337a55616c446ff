{#- A view: of many millions of rows only those of new epochs are kept, in int_account_mapping__frozen_counts. -#}
{{ config(materialized='view') }}
with

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

own_companies as (

    select * from {{ ref('int_account_mapping__own_companies') }}

),

counted_cells as (

    select * from {{ ref('int_account_mapping__counted_cells') }}

),

members as (

    select * from {{ ref('int_account_mapping__members') }}
    where side = 'partner'

),

partner_statuses as (

    select distinct
        partner_id,
        partner_status

    from counted_cells

),

ours as (

    select
        partner_id,
        rollup,
        'ours' as side,
        company_id as account_id,
        our_status as account_status

    from own_companies

),

theirs as (

    select
        partners.partner_id,
        'account' as rollup,
        'partner' as side,
        members.account_id,
        members.status as account_status

    from partners
    inner join members
        on partners.partner_id = members.scope
    inner join partner_statuses
        on
            partners.partner_id = partner_statuses.partner_id
            and members.status = partner_statuses.partner_status
    -- tokens are other ones in each epoch: of such a partner's accounts only what they are linked with can be compared
    where partners.exchange = 'list'

),

linked as (

    select
        partner_id,
        rollup,
        'links' as side,
        company_id as account_id,
        partner_status as account_status

    from own_companies
    where partner_status is not null

),

counted as (

    select * from ours
    union all
    select * from theirs
    union all
    select * from linked

),

final as (

    select
        counted.partner_id,
        coalesce(partners.agreement_id, '') as agreement_id,
        coalesce(partners.epoch, '') as epoch,
        counted.rollup,
        counted.side,
        counted.account_id,
        counted.account_status

    from counted
    inner join partners
        on counted.partner_id = partners.partner_id

)

select * from final
