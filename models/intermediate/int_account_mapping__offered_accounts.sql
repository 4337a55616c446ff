with

partners as (

    select * from {{ ref('int_account_mapping__partners') }}
    where exchange = 'keys'

),

members as (

    select * from {{ ref('int_account_mapping__members') }}
    where side = 'ours'

),

offers as (

    select * from {{ ref('stg_account_mapping__settings_sharing_agreements') }}
    where
        direction = 'offered'
        and (valid_from is null or valid_from <= {{ account_mapping.as_of() }})
        and (valid_until is null or valid_until >= {{ account_mapping.as_of() }})

),

-- a rule for a status beats the rule for any status; without one nothing is offered. Whoever has keys can find the
-- overlap, so a rule that shares counts only offers none
applicable as (

    select
        partners.partner_id,
        members.account_id,
        members.parent_account_id,
        members.status,
        offers.sharing_level in ('overlapping', 'all') as is_offered,
        offers.sharing_level in ('overlapping', 'all')
        and ';' || replace(coalesce(offers.shared_fields, ''), ' ', '') || ';' like '%;status;%'
            as is_status_shared,
        dense_rank() over (
            partition by partners.partner_id, members.account_id
            order by case when offers.our_status = '*' then 1 else 0 end
        ) as preference

    from partners
    inner join members
        on partners.account_scope = members.scope
    inner join offers
        on
            partners.partner_id = offers.partner_id
            and offers.our_status in ('*', members.status)

),

final as (

    select
        partner_id,
        account_id,
        min(parent_account_id) as parent_account_id,
        max(case when is_status_shared then status end) as shared_status

    from applicable
    where preference = 1
    group by partner_id, account_id
    having max(case when is_offered then 1 else 0 end) = 1

)

select * from final
