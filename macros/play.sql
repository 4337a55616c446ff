{% macro play(our_status, partner_status) -%}
    {#- The play that a pair of statuses suggests; null where neither side has a next step for the other. -#}
    case
        when {{ our_status }} in ('prospect', 'open_opportunity') and {{ partner_status }} = 'customer'
            then 'warm_introduction'
        when {{ our_status }} = 'open_opportunity' and {{ partner_status }} = 'open_opportunity' then 'co_sell'
        when {{ our_status }} = 'churned' and {{ partner_status }} = 'customer' then 'win_back'
        when {{ our_status }} = 'customer' and {{ partner_status }} in ('prospect', 'open_opportunity')
            then 'return_favour'
        when {{ our_status }} = 'customer' and {{ partner_status }} = 'customer' then 'joint_story'
        when {{ our_status }} = 'prospect' and {{ partner_status }} = 'prospect' then 'joint_campaign'
    end
{%- endmacro %}
