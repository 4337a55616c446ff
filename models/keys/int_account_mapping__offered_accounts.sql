with

partners as (

    select * from {{ ref('int_account_mapping__partners') }}
    where exchange = 'keys'

),

members as (

    select * from {{ ref('int_account_mapping__members') }}
    where side = 'ours'

),

-- keys leave under `overlapping` and `all`. Whoever has them can find the overlap, so under `counts` accounts are
-- hashed to be counted here, and none of their keys leaves
agreements_in_force as (

    select
        *,
        sharing_level in ('overlapping', 'all') as is_shared_cell

    from {{ ref('int_account_mapping__agreements_in_force') }}
    where
        direction = 'out'
        and sharing_level <> 'hidden'

),

-- keys say which of our statuses they are under, and whom we know there, only if every cell that lets them leave
-- allows it
status_offers as (

    select
        partner_id,
        our_status,
        max(case when is_shared_cell then 1 else 0 end) = 1 as is_shared,
        min(
            case
                when not is_shared_cell then 1
                when ';' || shared_fields || ';' like '%;status;%' then 1
                else 0
            end
        ) = 1 as is_status_shared,
        min(
            case
                when not is_shared_cell then 1
                when ';' || shared_fields || ';' like '%;person;%' then 1
                else 0
            end
        ) = 1 as is_person_shared

    from agreements_in_force
    group by partner_id, our_status

),

final as (

    select
        partners.partner_id,
        members.account_id,
        members.parent_account_id,
        case
            when status_offers.is_shared and status_offers.is_status_shared then members.status
        end as shared_status,
        status_offers.is_shared,
        status_offers.is_shared and status_offers.is_person_shared as are_people_shared

    from partners
    inner join members
        on partners.account_scope = members.scope
    inner join status_offers
        on
            partners.partner_id = status_offers.partner_id
            and members.status = status_offers.our_status

)

select * from final
