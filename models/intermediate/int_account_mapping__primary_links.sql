with

links as (

    select * from {{ ref('int_account_mapping__links') }}
    where decision = 'accepted'

),

members as (

    select * from {{ ref('int_account_mapping__members') }}
    where side = 'partner'

),

ranked as (

    select
        links.partner_id,
        links.account_id,
        links.partner_account_id,
        links.relationship,
        row_number() over (
            partition by links.partner_id, links.account_id
            order by
                case when links.relationship = 'same' then 0 else 1 end,
                members.status_rank,
                links.match_probability desc,
                links.partner_account_id
        ) as preference

    from links
    inner join members
        on
            links.partner_id = members.scope
            and links.partner_account_id = members.account_id

),

final as (

    select
        partner_id,
        account_id,
        partner_account_id,
        relationship

    from ranked
    where preference = 1

)

select * from final
